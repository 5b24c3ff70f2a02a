import { expect, test } from 'vitest';
import type { OperationRecord } from '../queue/operation-record.ts';
import { endedReport, endingOf, entryOf, listedOf, progressOf, recordOf } from './shared-record.ts';

const fresh: OperationRecord = {
  id: 'an id',
  operation: 'note.save',
  lane: 'a lane',
  input: { text: 'lone \ud800' },
  entity: { type: 'note', id: '1' },
  priority: 2,
  createdAt: 1_000,
  enqueuedAt: 2_000,
  attempts: 0,
  failures: 0,
  interruptions: 0,
};
const tried: OperationRecord = {
  ...fresh,
  attempts: 2,
  failures: 3,
  firstFailureAt: 2_500,
  lastError: '503',
  sentAt: 2_600,
  nextAt: 9_000,
};
const stored = ({ body, progress }: ReturnType<typeof entryOf>, interruptions = 0) => ({
  id: fresh.id,
  lane: 'short',
  body,
  progress,
  interruptions,
});

test.each([
  ['fresh', fresh],
  ['tried', tried],
])('an operation that is %s comes back as it was', (_how, record) => {
  expect(recordOf(stored(entryOf(record, 5_000)))).toEqual(record);
});

test('what was never tried has no progress, and the body is the same after each try', () => {
  expect(progressOf(fresh)).toBe('');
  expect(entryOf(tried, 5_000).body).toBe(entryOf(fresh, 5_000).body);
});

test('the lane waits for as long as the operation is not due', () => {
  expect(entryOf(tried, 5_000).delayMs).toBe(4_000);
  expect(entryOf(tried, 10_000).delayMs).toBe(0);
});

test.each([['{'], ['null'], ['{"operation":7}']])('%s is no operation', (body) => {
  expect(recordOf({ ...stored(entryOf(fresh, 0)), body })).toBeUndefined();
});

test.each([
  ['ready', {}, true, 'ready'],
  ['ready', {}, false, 'unhandled'],
  ['in_flight', {}, true, 'in_flight'],
  ['dead', { dead: 'poison' }, true, 'dead'],
  ['stopped', { stopped: 'unauthorized' }, true, 'blocked'],
  ['stopped', { stopped: 'unknown' }, true, 'parked'],
  ['stopped', {}, true, 'parked'],
] as const)('where one stands: %s with %o, declared: %s', (state, more, declared, expected) => {
  const found = { record: stored(entryOf({ ...fresh, ...more }, 0)), state };
  expect(listedOf(found, () => declared)?.state).toBe(expected);
});

test('how one ended is told by its id', () => {
  expect(endedReport(fresh.id, endingOf(fresh, 'done', 7_000))).toEqual({
    id: fresh.id,
    operation: 'note.save',
    state: 'done',
    createdAt: 1_000,
    enqueuedAt: 2_000,
    endedAt: 7_000,
  });
});
