import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { identityOf } from './identity.ts';

test('an identity says what its hash is made of, without credentials', () => {
  const upstream = 'http://ann:secret@graphiti.example:80/api/?token=secret';
  const identity = identityOf({ manager: 'graphiti', application: 'shop', upstream });
  expect(identity).toEqual({
    manager: 'graphiti',
    application: 'shop',
    upstream: 'http://graphiti.example/api',
    named: true,
    // As folders on disk have it.
    hash: createHash('sha256').update('["shop","http://graphiti.example/api"]').digest('hex'),
  });
  const without = identityOf({ manager: 'graphiti', application: 'shop', upstream: undefined });
  expect(without).not.toHaveProperty('upstream');
  expect(without.hash).toBe(createHash('sha256').update('["shop",""]').digest('hex'));
});
