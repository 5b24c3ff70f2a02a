import { expect, test } from 'vitest';
import { keyOf } from './entry-key.ts';
import { renderBatch } from './journal-record.ts';
import { toLines } from './records.ts';
import { isDamage, readHeader, renderHeader, scanSegment, seedOf } from './segment.ts';

const strange = ['__proto__', 'lone \ud800', 'line \u2028\n', '', 'quote " and \\', 'ü'];

/** A segment of five commits, of which the second has two changes. */
function segmentOf(number = 17): Buffer {
  const commits = [
    [{ bucket: 'queue', key: 'a', put: { text: '["00000000",1,1,1,0,"queue",{"key":"x"}]' } }],
    [
      { bucket: 'queue', key: 'b', delete: true },
      { bucket: 'state', key: 'c', put: null },
    ],
    ...strange.map((key) => [{ bucket: 'cache', key, put: key }]),
  ].map((changes) => toLines(changes as never));
  return Buffer.concat([
    Buffer.from(
      renderHeader({ segment: number, previous: { segment: 16, length: 99, checksum: 7 } }),
    ),
    renderBatch(commits, 5, seedOf(number)),
  ]);
}

const recordsIn = (bytes: Buffer, number = 17) =>
  [...scanSegment(bytes, number)].filter((found) => !isDamage(found));
const damageIn = (bytes: Buffer) => [...scanSegment(bytes, 17)].filter(isDamage);
const keysIn = (bytes: Buffer) =>
  recordsIn(bytes).map(({ start, end }) => keyOf(bytes, start, end));
const allKeys = ['a', 'b', 'c', ...strange];

test('a segment is NDJSON, and says where the one before ended', () => {
  const lines = segmentOf()
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines[0]?.slice(1)).toEqual([
    { format: 2, segment: 17, previous: { segment: 16, length: 99, checksum: 7 } },
  ]);
  expect(lines[2]?.slice(1)).toEqual([6, 5, 13, 1, 'queue', { key: 'b' }]);
  expect(readHeader(segmentOf(), 17)).toEqual({
    segment: 17,
    previous: { segment: 16, length: 99, checksum: 7 },
  });
});

test('what was rendered is read again, whatever is in it', () => {
  const bytes = segmentOf();
  expect(damageIn(bytes)).toEqual([]);
  expect(keysIn(bytes)).toEqual(allKeys);
  const entries = recordsIn(bytes).map((found) =>
    JSON.parse(bytes.toString('utf8', found.start, found.end)),
  );
  expect(entries.slice(3)).toEqual(strange.map((key) => ({ key, value: key })));
  expect(recordsIn(bytes).map((found) => 'deletes' in found && found.deletes)).toEqual(
    allKeys.map((key) => key === 'b'),
  );
});

test('no flip of a single bit passes, nor costs another record than the one that it is in', () => {
  const sound = segmentOf();
  for (let bit = 0; bit < sound.length * 8; bit += 1) {
    const bytes = Buffer.from(sound);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const keys = keysIn(bytes);
    const lost = allKeys.filter((key) => !keys.includes(key));
    const where = `bit ${bit & 7} of byte ${bit >> 3}`;
    expect(lost.length, where).toBeLessThanOrEqual(1);
    expect(keys, where).toEqual(allKeys.filter((key) => !lost.includes(key)));
    expect(damageIn(bytes).length, where).toBeGreaterThan(0);
  }
});

test('cut off anywhere, the records before are there', () => {
  const sound = segmentOf();
  const ends = recordsIn(sound).map(({ end }) => end + 2);
  for (let length = 0; length < sound.length; length += 1) {
    const whole = ends.filter((end) => end <= length).length;
    const keys = keysIn(sound.subarray(0, length));
    expect(keys, `${length} bytes`).toEqual(allKeys.slice(0, whole));
  }
});

test('a segment under another name is damage from beginning to end', () => {
  expect(recordsIn(segmentOf(), 18)).toEqual([]);
  expect(readHeader(segmentOf(), 18)).toBeUndefined();
});
