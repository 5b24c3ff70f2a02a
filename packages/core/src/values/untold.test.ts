import { expect, test } from 'vitest';
import { Untold } from './untold.ts';

test('of several changes of one thing the last is told, in its place', () => {
  const untold = new Untold();
  untold.add({ kind: 'forget', key: 'a' });
  untold.add({ kind: 'expire', entity: 'item:a' });
  untold.add({ kind: 'forget', key: 'a' });
  expect(untold.next()).toEqual([
    { kind: 'expire', entity: 'item:a' },
    { kind: 'forget', key: 'a' },
  ]);
});

test('what was changed again while it was told is told once more', () => {
  const untold = new Untold();
  untold.add({ kind: 'forget', key: 'a' });
  const told = untold.next();
  untold.add({ kind: 'forget', key: 'a' });
  untold.told(told);
  expect(untold.next()).toEqual([{ kind: 'forget', key: 'a' }]);
});

test('when too much waits all answers are told to be gone', () => {
  const untold = new Untold();
  for (let id = 0; id < 10_000; id += 1) untold.add({ kind: 'remove', entity: `item:${id}` });
  expect(untold.unnoted()).toHaveLength(10_000);
  expect(untold.add({ kind: 'remove', entity: 'item:last' })).toHaveLength(10_001);
  expect(untold.next()).toEqual([{ kind: 'clear' }]);
  expect([untold.unnoted(), untold.unnoted()]).toEqual([[{ kind: 'clear' }], []]);
});
