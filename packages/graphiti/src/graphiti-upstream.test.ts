import { FallbackManager } from '@graphiti-fallback/core';
import { expect, test } from 'vitest';
import { graphitiUpstream } from './graphiti-upstream.ts';

test.each([
  [{}, '`url`'],
  [{ url: 'localhost:8000' }, '`url`'],
  [{ url: 'http://localhost', fetch: 1 }, '`fetch`'],
  [{ url: 'http://localhost', headers: { a: 'b' } }, '`headers`'],
  [{ url: 'http://localhost', reconcileFor: -1 }, '`reconcileFor`'],
  [{ url: 'http://localhost', messageTimeoutMs: 0 }, '`messageTimeoutMs`'],
  [{ url: 'http://localhost', token: 'x' }, '`token`'],
])('a wrong option is refused by name: %j', (options, name) => {
  expect(() => graphitiUpstream(options as never)).toThrow(name);
});

test.each([
  'http://ann:secret@localhost',
  'http://localhost?key=secret',
  'http://localhost#secret',
])('an address with more than an address is refused, and not repeated: %s', (url) => {
  expect(() => graphitiUpstream({ url })).toThrow(/^(?!.*secret).*without credentials/);
});

test('a manager of another upstream is refused: its queue and cache belong there', () => {
  const { client } = graphitiUpstream({ url: 'http://localhost:8000/' });
  const manager = (upstream?: string) =>
    new FallbackManager({ name: 'graphiti', logger: false, ...(upstream && { upstream }) });
  expect(() => client(manager())).toThrow("the manager's `upstream`");
  expect(() => client(manager('http://localhost:8001'))).toThrow("the manager's `upstream`");
  expect(client(manager('http://LOCALHOST:8000'))).toHaveProperty('search');
});
