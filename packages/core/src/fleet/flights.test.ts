import { expect, test } from 'vitest';
import { Emitter, type FallbackEvents } from '../events.ts';
import { manualClock } from '../manual-clock.test.support.ts';
import { memoryJournal } from '../memory-journal.ts';
import { createJournalQueue } from '../queue/journal-queue.ts';
import type { OperationRecord } from '../queue/operation-record.ts';
import { Flights } from './flights.ts';

const record: OperationRecord = {
  id: 'one',
  operation: 'save',
  lane: 'a',
  input: null,
  createdAt: 0,
  enqueuedAt: 0,
  attempts: 0,
  failures: 0,
  interruptions: 0,
};

/** One operation that the drain has sent. */
async function underWay() {
  const local = createJournalQueue({
    journal: memoryJournal(),
    identity: { manager: 'm', hash: 'h' },
    bounds: { maxEntries: 10, maxBytes: 1e6, maxAge: 1e6, maxDead: 10, overflow: 'refuse' },
    clock: manualClock(),
    events: new Emitter<FallbackEvents>(),
    random: () => 0,
    isDeclared: () => true,
  });
  await local.open();
  const flights = new Flights({ local, isBeingSent: () => false });
  flights.begin(record);
  return { flights, doubted: () => local.accepted.get('one')?.doubted };
}

test('what is doubted on its way is doubted where it is kept when it was acknowledged', async () => {
  const { flights, doubted } = await underWay();
  const doubts = [flights.doubt(['one']), flights.doubt(['one', 'another'])];
  await flights.acknowledged(record, 1);
  expect(doubted()).toBe(true);
  expect(flights.drained).toBe(0);
  await doubts[0]?.withdraw();
  expect(doubted()).toBe(true);
  await doubts[1]?.withdraw();
  expect(doubted()).toBeUndefined();
});

test('a doubt that was withdrawn in time does not follow it', async () => {
  const { flights, doubted } = await underWay();
  await flights.doubt(['one']).withdraw();
  await flights.acknowledged(record, 1);
  expect(doubted()).toBeUndefined();
});

test('one that came back from its way and is sent again is another', async () => {
  const { flights, doubted } = await underWay();
  flights.doubt(['one']);
  flights.end('one');
  flights.begin(record);
  await flights.acknowledged(record, 1);
  expect(doubted()).toBeUndefined();
});
