import type { Bucket } from '@graphiti-fallback/core';
import { expect, test } from 'vitest';
import { Records, toLines } from './records.ts';
import { parseSnapshot, renderSnapshot } from './snapshot.ts';

const chunksOf = (records: Records, gen = 7) => {
  const entries = (name: Bucket) => records.view(name);
  return [...renderSnapshot({ seq: 42, segment: 17, entries }, gen)];
};
const bytesOf = (records: Records, gen = 7) => Buffer.concat(chunksOf(records, gen));

function recordsOf(queue: Record<string, unknown> | [string, unknown][]): Records {
  const entries = Array.isArray(queue) ? queue : Object.entries(queue);
  const records = new Records();
  records.apply(
    toLines(entries.map(([key, put]) => ({ bucket: 'queue', key, put: put as never }))),
    1,
  );
  return records;
}

async function soundOf(bytes: Buffer) {
  const verdict = await parseSnapshot(bytes);
  if (verdict.kind === 'damaged') throw new Error(`damaged: ${verdict.reason}`);
  return verdict;
}

test('a snapshot is plain JSON with one entry a line, in order of first put', () => {
  const text = bytesOf(recordsOf({ b: 1, a: { deep: [true] } })).toString();
  expect(text).toMatch(
    /^\{"_meta":\{"format":2,"gen":7,"seq":42,"segment":17\},\n"cache":\[\],\n"entities":\[\],\n"queue":\[\n\{"key":"b","value":1\},\n\{"key":"a","value":\{"deep":\[true\]\}\}\n\],\n"state":\[\],\n"_crc32":"[0-9a-f]{8}"\}\n$/,
  );
  expect(JSON.parse(text)).toMatchObject({
    _meta: { format: 2, gen: 7, seq: 42, segment: 17 },
    queue: [
      { key: 'b', value: 1 },
      { key: 'a', value: { deep: [true] } },
    ],
  });
});

test('what was rendered parses to equal records and the same generation', async () => {
  const strange: [string, unknown][] = [
    ['__proto__', { ['__proto__']: 'harmless' }],
    ['lone \ud800 surrogate', '\udfff'],
    ['lines \u2028 and \u2029 and \n', '\u2028'],
    ['', null],
    ['"queue":[', ',\n"queue":['],
    ['ends in a comma,', 'x,'],
    ['emoji 🜁', 'ü'.repeat(300_000)],
  ];
  const { kind, meta, records } = await soundOf(bytesOf(recordsOf(strange), 41));
  expect({ kind, gen: meta.gen }).toEqual({ kind: 'ok', gen: 41 });
  expect([...records.entries('queue')]).toEqual([...recordsOf(strange).entries('queue')]);
  expect([...records.entries('queue')].map(([key]) => key)).toEqual(strange.map(([key]) => key));
});

test('a snapshot of many chunks has the checksum of them all', async () => {
  const many = recordsOf(
    Array.from({ length: 3000 }, (_, i): [string, string] => [`k${i}`, 'x'.repeat(300)]),
  );
  expect(chunksOf(many).length).toBeGreaterThan(3);
  const { kind, records } = await soundOf(bytesOf(many));
  expect(kind).toBe('ok');
  expect(records.count()).toBe(3000);
});

test('no flip of a single bit passes', async () => {
  const sound = bytesOf(recordsOf({ first: 1, second: { text: 'two' } }), 10);
  for (let bit = 0; bit < sound.length * 8; bit += 1) {
    const bytes = Buffer.from(sound);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const verdict = await parseSnapshot(bytes);
    expect(verdict.kind, `bit ${bit & 7} of byte ${bit >> 3}`).toBe('damaged');
  }
});

test('no truncation passes, nor a tail of zeros', async () => {
  const sound = bytesOf(recordsOf({ first: 1, second: { text: 'two' } }));
  for (let length = 0; length < sound.length; length += 1) {
    expect((await parseSnapshot(sound.subarray(0, length))).kind, `${length} bytes`).toBe(
      'damaged',
    );
    const zeroed = Buffer.concat([sound.subarray(0, length), Buffer.alloc(sound.length - length)]);
    expect((await parseSnapshot(zeroed)).kind, `zeros from ${length}`).toBe('damaged');
  }
});

test('says why a file is damaged', async () => {
  const text = bytesOf(recordsOf({ a: 1 })).toString();
  const reasons = async (...contents: string[]) =>
    Promise.all(contents.map(async (content) => parseSnapshot(Buffer.from(content))));
  expect(
    await reasons('', text.slice(1), text.replace('"value":1', '"value":2'), '[]', '{"queue":[]}'),
  ).toEqual(
    ['empty', 'unparsable', 'checksum', 'shape', 'shape'].map((reason) => ({
      kind: 'damaged',
      reason,
    })),
  );
});

test('entries of the wrong shape are damage, whoever wrote them', async () => {
  for (const entry of [1, null, {}, { key: 1, value: 1 }, { key: 'no value' }, ['a', 1]]) {
    const edited = JSON.stringify({ _meta: { format: 1, gen: 1 }, queue: [entry] }, null, 2);
    expect(await parseSnapshot(Buffer.from(edited))).toEqual({ kind: 'damaged', reason: 'shape' });
  }
});

test('a later format is not read as this one', async () => {
  const edited = JSON.stringify({ _meta: { format: 3, gen: 1 }, queue: [] }, null, 2);
  expect(await parseSnapshot(Buffer.from(edited))).toEqual({ kind: 'damaged', reason: 'format' });
});

test.each([
  ['lowdb', (data: unknown) => JSON.stringify(data, null, 2)],
  ['jq -c', (data: unknown) => JSON.stringify(data)],
  [
    'a person who removed what was empty',
    (data: unknown) =>
      JSON.stringify(
        data,
        ['_meta', 'format', 'gen', 'seq', 'segment', 'queue', 'key', 'value'],
        1,
      ),
  ],
])('what %s rewrote is an edit, not damage', async (_who, rewrite) => {
  const data = JSON.parse(bytesOf(recordsOf({ a: 1, b: 2 })).toString());
  data.queue[0].value = 'edited';
  const { kind, meta, records } = await soundOf(Buffer.from(rewrite(data)));
  expect({ kind, gen: meta.gen }).toEqual({ kind: 'edited', gen: 7 });
  expect([...records.entries('queue')]).toEqual([
    ['a', 'edited'],
    ['b', 2],
  ]);
});
