import { expect, test } from 'vitest';
import { ReadKeys } from './read-keys.ts';
import type { Flight } from './single-flight.ts';

function kit() {
  const made: string[] = [];
  const keys = new ReadKeys<unknown>((text) => {
    made.push(text);
    return `key of ${text}`;
  });
  return { made, keys };
}

test('a key is made once for each text', () => {
  const { made, keys } = kit();
  expect(['a', 'b', 'a', 'b'].map((text) => keys.of(text).text)).toEqual([
    'key of a',
    'key of b',
    'key of a',
    'key of b',
  ]);
  expect(made).toEqual(['a', 'b']);
});

test('keys of many texts, and of long ones, are not kept', () => {
  const { made, keys } = kit();
  const long = 'a'.repeat(101);
  keys.of(long);
  keys.of(long);
  expect(made).toEqual([long, long]);
  made.length = 0;
  for (let number = 0; number < 1_001; number += 1) keys.of(String(number));
  expect(keys.of('1000').text).toBe('key of 1000');
  expect(made).toHaveLength(1_001);
  expect(keys.of('0').text).toBe('key of 0');
  expect(made).toHaveLength(1_002);
});

test('the key of what is in the air stays the same when there are many others', () => {
  const { keys } = kit();
  const key = keys.of('a');
  key.flight = {} as Flight<unknown>;
  for (let number = 0; number < 1_001; number += 1) keys.of(String(number));
  expect(keys.of('a')).toBe(key);
});

test('very many that are in the air cost no more each than few', () => {
  const { keys } = kit();
  const all = Array.from({ length: 50_000 }, (_, number) => keys.of(String(number)));
  for (const key of all) key.flight = {} as Flight<unknown>;
  const again = Array.from({ length: 50_000 }, (_, number) => {
    const key = keys.of(`more ${number}`);
    key.flight = {} as Flight<unknown>;
    return key;
  });
  expect(again.every((key) => keys.of(key.text.slice('key of '.length)) === key)).toBe(true);
});
