import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createSlot, homeOf, slotNames, takeSlot } from './slot.ts';
import { temporary } from './temporary.test.support.ts';

test('a plain manager name is readable in the folder’s name', () => {
  const home = homeOf('/data', { manager: 'graphiti', hash: '0123456789abcdef0123' });
  expect(home).toBe('/data/graphiti-0123456789ab');
});

test('different names have different folders, right under the directory, whatever is in them', () => {
  const names = ['a/b', 'a_b', 'A_B', 'a_b~', '..', '.', '', '../../etc', 'a\0b', 'ü', 'con', 'x '];
  names.push('long'.repeat(100), `${'long'.repeat(100)}er`, 'a-0', '\ud800');
  const homes = names.map((manager) => homeOf('/data', { manager, hash: 'abc' }));
  expect(new Set(homes.map((home) => home.toLowerCase())).size).toBe(names.length);
  for (const home of homes) {
    expect(dirname(home)).toBe('/data');
    expect(home.length).toBeLessThan(100);
    expect(home).toMatch(/^\/data\/[a-z0-9_~-]+$/);
  }
});

test('slots are counted by number', async () => {
  const home = await temporary();
  for (const name of ['slot-10', 'slot-9', 'slot-x', 'other']) await mkdir(join(home, name));
  expect(await slotNames(home)).toEqual(['slot-9', 'slot-10']);
  expect(await slotNames(join(home, 'missing'))).toEqual([]);
});

test('looking for a slot creates nothing', async () => {
  const home = join(await temporary(), 'home');
  expect(await takeSlot(home)).toBeUndefined();
  await expect(readdir(home)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('of many who look at once, each gets a slot of its own', async () => {
  const home = await temporary();
  const slots = await Promise.all(Array.from({ length: 6 }, () => createSlot(home)));
  expect(new Set(slots.map(({ name }) => name)).size).toBe(6);
  expect(await takeSlot(home)).toBeUndefined();
  for (const { release } of slots) release();
  const again = await takeSlot(home);
  expect(again?.name).toBe('slot-0');
  again?.release();
});

test('a new slot is never one that holds a snapshot', async () => {
  const home = await temporary();
  for (const [name, file] of [
    ['slot-0', 'db.json'],
    ['slot-1', 'db.prev.json'],
  ] as const) {
    await mkdir(join(home, name));
    await writeFile(join(home, name, file), '{}');
  }
  const slot = await createSlot(home);
  expect(slot.name).toBe('slot-2');
  slot.release();
});
