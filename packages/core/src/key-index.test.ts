import { expect, test } from 'vitest';
import { KeyIndex } from './key-index.ts';

test('a key stands under the names that it moved to, and under no other', () => {
  const index = new KeyIndex();
  index.move('a', [], ['x', 'y']);
  index.move('b', [], ['y']);
  expect(index.of('y')).toEqual(['a', 'b']);
  index.move('a', ['x', 'y'], ['y', 'z']);
  expect(index.of('x')).toEqual([]);
  expect(index.of('y')).toEqual(['b', 'a']);
  expect(index.of('z')).toEqual(['a']);
  index.move('a', ['y', 'z'], ['y', 'z']);
  expect(index.of('z')).toEqual(['a']);
  index.move('a', ['y', 'z'], []);
  index.move('b', ['y'], []);
  expect(index.of('y')).toEqual([]);
});
