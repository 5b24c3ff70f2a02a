/** What the engine promises of values where its server has lost something. */

import type { Moment, SharedAnswer, SharedValues } from '@graphiti-fallback/core';
import { redisStore } from '@graphiti-fallback/store-redis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type RedisServer, redisServer } from './server.ts';

let server: RedisServer;
const opened: SharedValues[] = [];
beforeEach(async () => {
  server = await redisServer(['--appendonly', 'no']);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  await server.close();
});

async function part(): Promise<SharedValues> {
  const { values } = redisStore({ url: server.url, commandTimeout: 10_000 });
  if (!values) throw new Error('It shares nothing');
  opened.push(values);
  await values.open({ manager: 'm', hash: 'h' }, () => {});
  return values;
}

const lastOf = async (values: SharedValues) => (await values.news(undefined)).last;

const answerOf = (since: Moment): SharedAnswer => ({
  key: 'key',
  body: '"text"',
  entities: ['item:a'],
  ageMs: 0,
  ttlMs: 60_000,
  staleMs: 60_000,
  since,
});

/** It goes on with what it had when that was saved. */
async function goesBack(): Promise<void> {
  await server.kill();
  await server.restart();
  await vi.waitFor(() => {
    for (const { available } of opened) expect(available).toBe(true);
  });
}

test.each([
  ['at once', []],
  ['after others have changed something', [{ kind: 'expire', entity: 'item:b' }]],
] as const)(
  'who knows of what an older copy lacks begins a new era, %s',
  async (_when, changes) => {
    const [one, other] = [await part(), await part()];
    await one.keep([answerOf(await lastOf(one))]);
    await server.command('SAVE');
    const { last } = await one.change([{ kind: 'remove', entity: 'item:a' }]);
    await goesBack();
    if (changes.length > 0) await other.change(changes);
    const found = await one.find('key');
    expect(found).toEqual({ kind: 'nothing' });
    expect((await one.news(last)).until.era).not.toBe(last.era);
    expect(await other.find('key')).toEqual({ kind: 'nothing' });
  },
);

test('a server that has lost nothing goes on in its era, whoever asks', async () => {
  const [one, other] = [await part(), await part()];
  const first = await lastOf(one);
  await one.keep([answerOf(first)]);
  await server.command('SAVE');
  await goesBack();
  await other.change([{ kind: 'expire', entity: 'item:b' }]);
  const { last } = await one.news(first);
  expect(last.era).toBe(first.era);
  expect(await (await part()).find('key')).toMatchObject({ kind: 'answer' });
});

test('an answer that was forgotten does not come back where the word of that was thrown away', async () => {
  const [one, other] = [await part(), await part()];
  const since = await lastOf(one);
  const { last } = await other.change([{ kind: 'forget', key: 'key' }]);
  const [gone = ''] = (await server.command('KEYS', '*:answer:*')) as string[];
  await server.command('DEL', gone);
  await one.keep([answerOf(since)]);
  expect(await other.find('key')).toEqual({ kind: 'nothing' });
  await one.keep([answerOf(last)]);
  expect(await other.find('key')).toMatchObject({ kind: 'answer' });
});
