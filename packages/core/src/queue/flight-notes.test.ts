import { expect, test } from 'vitest';
import { manualClock } from '../manual-clock.test.support.ts';
import { FlightNotes } from './flight-notes.ts';
import type { Entry } from './lane.ts';

test('what comes back soon is not noted; what stays is, once; at the end all that is in flight', async () => {
  const clock = manualClock();
  const noted: string[] = [];
  const notes = new FlightNotes(clock, (entries) =>
    noted.push(...entries.map(({ record }) => record.id)),
  );
  const entry = (id: string) => ({ record: { id } }) as Entry;
  const quick = entry('quick');
  const slow = entry('slow');
  notes.add(quick);
  notes.add(slow);
  await clock.advance(9);
  notes.delete(quick);
  expect(noted).toEqual([]);
  await clock.advance(11);
  expect(noted).toEqual(['slow']);
  await clock.advance(60_000);
  expect(noted).toEqual(['slow']);
  notes.delete(slow);
  notes.add(entry('last'));
  notes.flush();
  expect(noted).toEqual(['slow', 'last']);
});
