import { expect, test } from 'vitest';
import { Untold } from './untold.ts';

const never = { era: '', at: 0 };

test('of several changes of one thing the last is told, in its place', () => {
  const untold = new Untold();
  untold.add({ kind: 'put', key: 'a', body: '1' });
  untold.add({ kind: 'expire', entity: 'item:a' });
  untold.add({ kind: 'take', key: 'a' });
  expect(untold.next()).toEqual([
    { kind: 'expire', entity: 'item:a' },
    { kind: 'take', key: 'a' },
  ]);
});

test('what was changed again while it was told is told once more', () => {
  const untold = new Untold();
  untold.add({ kind: 'put', key: 'a', body: '1' });
  const told = untold.next();
  untold.add({ kind: 'put', key: 'a', body: '2' });
  untold.told(told);
  expect(untold.next()).toEqual([{ kind: 'put', key: 'a', body: '2' }]);
  expect(untold.has('a')).toBe(true);
});

test('an entity that could not be told at once gives way to what others do from then on', () => {
  const untold = new Untold();
  untold.add({ kind: 'put', key: 'a', body: '1' });
  untold.add({ kind: 'remove', entity: 'item:a' });
  untold.late({ era: 'e', at: 7 });
  untold.late({ era: 'e', at: 9 });
  untold.add({ kind: 'take', key: 'b' });
  untold.late(undefined);
  expect(untold.next()).toEqual([
    { kind: 'put', key: 'a', body: '1', unless: { era: 'e', at: 7 } },
    { kind: 'remove', entity: 'item:a' },
    { kind: 'take', key: 'b', unless: never },
  ]);
});

test('when too much waits all answers are told to be gone, and entities stay', () => {
  const untold = new Untold();
  untold.add({ kind: 'put', key: 'a', body: '1' });
  for (let id = 0; id < 10_000; id += 1) untold.add({ kind: 'remove', entity: `item:${id}` });
  expect(untold.next()).toEqual([{ kind: 'clear' }, { kind: 'put', key: 'a', body: '1' }]);
});
