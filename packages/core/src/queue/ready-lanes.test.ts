import { expect, test } from 'vitest';
import { Lane } from './lane.ts';
import type { OperationRecord } from './operation-record.ts';
import { ReadyLanes } from './ready-lanes.ts';

function laneOf(name: string, operation: string, priority = 0): Lane {
  const lane = new Lane(name);
  const record = { id: name, lane: name, operation, priority } as OperationRecord;
  lane.add({ record, bytes: 1, volatile: false, committed: true });
  return lane;
}

test('the most urgent come first, and among equals who was ready first', () => {
  const ready = new ReadyLanes();
  for (const lane of [laneOf('a', 'put'), laneOf('b', 'put', 5), laneOf('c', 'put')])
    ready.add(lane);
  expect([...ready].map(({ name }) => name)).toEqual(['b', 'a', 'c']);
});

test('heads are counted by operation, as they were when their lanes became ready', () => {
  const ready = new ReadyLanes();
  const [a, b, c] = [laneOf('a', 'put'), laneOf('b', 'put'), laneOf('c', 'index')];
  for (const lane of [a, b, c]) ready.add(lane);
  expect(ready.count((name) => name === 'put')).toBe(2);
  expect(ready.count(() => true)).toBe(3);
  ready.add(a);
  ready.delete(b);
  ready.delete(b);
  if (c.head) c.remove(c.head);
  ready.delete(c);
  expect(ready.count((name) => name === 'put')).toBe(1);
  expect(ready.count((name) => name === 'index')).toBe(0);
});
