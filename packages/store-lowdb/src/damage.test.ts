import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Low } from 'lowdb';
import { JSONFile } from 'lowdb/node';
import { beforeEach, expect, test } from 'vitest';
import { failAfterWriting, failOnce } from './faults.test.support.ts';
import { identity, keysOnDisk, opened, slotIn } from './store.test.support.ts';
import { lowdbStore } from './store.ts';
import { temporary } from './temporary.test.support.ts';

let directory: string;
let slot: string;
let sound: Buffer;

/** A closed store of three generations: the newest has a, b and c, the one before a and b, the journal c. */
beforeEach(async () => {
  directory = await temporary();
  slot = slotIn(directory);
  const store = lowdbStore({ directory });
  for (const key of ['a', 'b', 'c']) {
    await store.open(identity);
    await store.commit([{ bucket: 'queue', key, put: { key } }]);
    await store.close();
  }
  sound = await readFile(join(slot, 'db.json'));
});

const reopened = () => opened(directory);
const damage = (name: string, content: string | Buffer) => writeFile(join(slot, name), content);
const kept = () => readdir(join(slot, 'quarantine'));

const all = ['a', 'b', 'c'];

test('a damaged file is kept aside, and made up for by the generation before it and the journal', async () => {
  await damage('db.json', '');
  const { store, report, keys } = await reopened();
  expect(keys).toEqual(all);
  expect(report.quarantined).toEqual([expect.stringMatching(/^db\.json\.\d{4}-.*Z\.empty$/)]);
  expect(await kept()).toEqual(report.quarantined);
  expect(report).toMatchObject({ missing: 0, torn: 0 });
  expect(report.warnings.join(' ')).toMatch(
    /is damaged \(empty\).*generation before \(2\) is used/,
  );
  await store.close();
  const again = await reopened();
  expect(again.keys).toEqual(all);
  expect(again.report).toMatchObject({ quarantined: [], warnings: [] });
});

test('with both generations damaged it starts with the journal, says what is missing, and goes on', async () => {
  await damage('db.json', sound.subarray(0, 50));
  await damage('db.prev.json', sound.toString().replace('"b"', '"x"'));
  const { store, report, keys } = await reopened();
  expect(keys).toEqual(['c']);
  expect(report.quarantined).toEqual([
    expect.stringMatching(/^db\.json\..*\.unparsable$/),
    expect.stringMatching(/^db\.prev\.json\..*\.checksum$/),
  ]);
  expect(report.missing).toBe(2);
  expect(report.warnings.join(' ')).toMatch(
    /starts with what the journal has\. 2 acknowledged changes are missing .* number 1 to 2\./,
  );
  await store.commit([{ bucket: 'queue', key: 'd', put: 1 }]);
  await store.close();
  expect((await reopened()).keys).toEqual(['c', 'd']);
  expect((await kept()).length).toBe(2);
});

test('truncated anywhere it is made up for, and nothing is lost of the file', async () => {
  for (let length = 0; length < sound.length; length += 13) {
    const previous = await readFile(join(slot, 'db.prev.json'));
    await damage('db.json', sound.subarray(0, length));
    const { store, report, keys } = await reopened();
    expect(keys, `${length} bytes`).toEqual(all);
    const [name = ''] = report.quarantined;
    expect((await stat(join(slot, 'quarantine', name))).size).toBe(length);
    await store.close();
    await damage('db.prev.json', previous);
  }
});

test('flipped bits are found', async () => {
  for (let at = 0; at < sound.length; at += 29) {
    const bytes = Buffer.from(sound);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
    await damage('db.json', bytes);
    const { store, report, keys } = await reopened();
    expect(keys, `byte ${at}`).toEqual(all);
    expect(report.quarantined.length).toBe(1);
    await store.close();
  }
});

test('a file that plain lowdb rewrote is accepted, with a copy kept', async () => {
  const low = new Low<{ queue: { key: string; value: unknown }[] }>(
    new JSONFile(join(slot, 'db.json')),
    { queue: [] },
  );
  await low.read();
  await low.update(({ queue }) => void queue.splice(1, 1, { key: 'edited', value: 1 }));
  const edited = await readFile(join(slot, 'db.json'));
  const { store, report, keys } = await reopened();
  expect(keys).toEqual(['a', 'edited', 'c']);
  expect(report.quarantined).toEqual([]);
  expect(report.warnings).toEqual([expect.stringContaining('was edited and is accepted')]);
  const [copy = ''] = await kept();
  expect(copy).toMatch(/\.edited$/);
  expect(await readFile(join(slot, 'quarantine', copy))).toEqual(edited);
  await store.close();
  const again = await reopened();
  expect(again.keys).toEqual(['a', 'edited', 'c']);
  expect(again.report.warnings).toEqual([]);
});

test('a missing file is made up for by the generation before it and the journal', async () => {
  await rm(join(slot, 'db.json'));
  const { report, keys } = await reopened();
  expect(keys).toEqual(all);
  expect(report.warnings).toEqual([expect.stringContaining('The generation before (2) is used')]);
});

test('a disk that cannot read the file counts as damage', async () => {
  failOnce('readFile', 'EIO');
  const { report, keys } = await reopened();
  expect(keys).toEqual(all);
  expect(report.quarantined).toEqual([expect.stringMatching(/\.unreadable$/)]);
});

test('a lack of file descriptors does not: nothing is moved, and commits go elsewhere', async () => {
  failOnce('readFile', 'EMFILE');
  const { store, report, keys } = await reopened();
  expect(keys).toEqual([]);
  expect(report.warnings).toEqual([expect.stringContaining('EMFILE')]);
  expect(store.status()).toMatchObject({ writable: false, problem: 'EMFILE' });
  await store.commit([{ bucket: 'queue', key: 'd', put: 1 }]);
  expect(await readFile(join(slot, 'db.json'))).toEqual(sound);
  expect((await reopened()).keys).toEqual(['a', 'b', 'c']);
});

test('what a killed process left half written is removed', async () => {
  await damage('db.json.tmp', 'half');
  expect((await reopened()).keys).toEqual(['a', 'b', 'c']);
  expect(await readdir(slot)).not.toContain('db.json.tmp');
});

test('what a failed attempt left before the first segment that counts is none of the journal', async () => {
  const { store } = await opened(directory);
  await failAfterWriting('EMFILE', [1, 2]);
  failOnce('rm', 'EMFILE'); // so that the first attempt stays on the disk, complete
  const refused = store.commit([{ bucket: 'queue', key: 'a', delete: true }]);
  await expect(refused).rejects.toMatchObject({ code: 'EMFILE' });
  await store.commit([{ bucket: 'queue', key: 'b', delete: true }]);
  expect((await readdir(slot)).filter((name) => name.endsWith('.ndjson'))).toHaveLength(3);
  expect(await keysOnDisk(directory)).toEqual(['a', 'c']);
  await damage('db.json', '');
  expect(await keysOnDisk(directory)).toEqual(['a', 'c']);
});
