import { expect, test } from 'vitest';
import { Keys, shortName } from './keys.ts';

test.each(['a {b} ü', 'lone \ud800'])(
  'all keys of an identity share one hash tag when the manager is called %j',
  (manager) => {
    const keys = new Keys({ manager, hash: 'f00' });
    const tags = [...keys.all, keys.list('x'), keys.role('y')].map(
      (key) => /\{([^}]*)\}/.exec(key)?.[1],
    );
    expect(new Set(tags).size).toBe(1);
    expect(new Set(keys.all).size).toBe(keys.all.length);
  },
);

test.each([
  ['', ' '],
  ['a', 'A'],
  ['lone \ud800', 'lone \ud801'],
  ['a:b', 'a|b'],
  ['{', '}'],
])('the names %j and %j are told apart, by plain characters', (one, other) => {
  expect(shortName(one)).not.toBe(shortName(other));
  expect(shortName(one) + shortName(other)).toMatch(/^[\w-]{44}$/);
});
