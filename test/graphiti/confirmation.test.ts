import { lowdbStore } from '@graphiti-fallback/store-lowdb';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';
import { clientOf, outage, said, setUp, soon, startServer, stored, taken } from './subject.ts';

const folder = temporaryFolder('graphiti-confirmation-');
const quick = { interval: 20, maxInterval: 100 };

test('a message is accepted, and confirmed when it is seen in the episodes of its group', async () => {
  const { server, client, manager } = await setUp();
  const receipt = await client.addMessages('g', [said('one')]);
  expect(receipt.outcome).toBe('accepted');
  const id = receipt.outcome === 'accepted' ? receipt.operation : '';
  await expect.poll(() => manager.queue.get(id)?.state, soon).toBe('confirmed');
  expect(manager.status().queue).toMatchObject({ accepted: 1, confirmed: 1, unconfirmed: 0 });
  expect(manager.queue.list()).toEqual([]);
  expect(stored(server)).toEqual(['one']);
});

test('a dead worker is found out: 202 and a healthy check all the while, nothing stored', async () => {
  const { server, client, manager } = await setUp({ confirm: { ...quick, within: 300 } });
  const events: string[] = [];
  manager.on('queue', ({ event }) => events.push(event));
  await client.addMessages('g', [said('one')]);
  await server.ingested();
  await expect.poll(() => events, soon).toContain('confirmed');
  server.fault({ kind: 'dead_worker' });
  expect((await client.addMessages('g', [said('two')])).outcome).toBe('accepted');
  await expect.poll(() => client.health().state, soon).toBe('ingest_stalled');
  expect(await client.healthcheck()).toEqual({ status: 'healthy' });
  expect(manager.active).toBe(false);
  expect(events.filter((event) => event === 'unconfirmed')).toHaveLength(1);
  expect(manager.queue.list()).toMatchObject([{ state: 'unconfirmed' }]);
  await manager.checkAndActivate();
  const { components } = manager.health.system();
  expect(components.find(({ name }) => name === 'ingestion')).toMatchObject({ status: 'degraded' });
  expect(manager.active).toBe(false);
});

test('lost messages are sent again when the worker is back, each is stored once, and all is live', async () => {
  const { server, client, manager } = await setUp({
    confirm: { ...quick, within: 300, unconfirmed: 'resend' },
  });
  server.fault({ kind: 'dead_worker' });
  for (const text of ['one', 'two', 'three']) await client.addMessages('g', [said(text)]);
  await client.addMessages('h', [said('four')]);
  await expect.poll(() => client.health().state, soon).toBe('ingest_stalled');
  server.restart();
  await client.addMessages('g', [said('five')]);
  await expect.poll(() => manager.queue.list(), soon).toEqual([]);
  expect(stored(server).sort()).toEqual(['five', 'one', 'three', 'two']);
  expect(stored(server, 'h')).toEqual(['four']);
  expect(client.health().state).toBe('live');
});

test('the deadline begins anew whenever any message of this Graphiti is confirmed, of whichever group', async () => {
  const server = await startServer({ ingestDelayMs: 150 });
  const { client, manager } = clientOf(server, { confirm: { ...quick, within: 1_200 } });
  const events: string[] = [];
  manager.on('queue', ({ event }) => events.push(event));
  for (let index = 0; index < 12; index += 1) await client.addMessages('g', [said(`${index}`)]);
  await client.addMessages('h', [said('last in the line')]);
  await expect.poll(() => manager.status().queue.confirmed, soon).toBe(13);
  expect(events).not.toContain('unconfirmed');
});

test('a resend leaves the order of its group: it comes at the end', async () => {
  const { server, client, manager } = await setUp({
    confirm: { ...quick, within: 300, unconfirmed: 'resend' },
  });
  server.fault({ kind: 'dead_worker' });
  await client.addMessages('g', [said('one')]);
  server.restart();
  await client.addMessages('g', [said('two')]);
  await expect.poll(() => manager.queue.list(), soon).toEqual([]);
  expect(taken(server)).toEqual(['one', 'two', 'one']);
});

test("an accepted message with a name and a time of the caller's shows once when it is stored, and is not pending then", async () => {
  const { server, client } = await setUp({ confirm: { interval: 60_000 } });
  const message = { ...said('one'), name: 'mine', timestamp: '2026-01-31T12:00:00Z' };
  await client.addMessages('g', [message]);
  await server.ingested();
  const episodes = await client.getEpisodes('g', 5);
  expect(episodes.map(({ content, pending }) => [content, pending ?? false])).toEqual([
    ['ann(user): one', false],
  ]);
});

test('a receipt of which not all was kept names what was, so that each can be asked for', async () => {
  const { client, manager } = await setUp(
    { confirm: { interval: 60_000 } },
    { queue: { maxEntries: 1 } },
  );
  const receipt = await client.addMessages('g', [said('one'), said('two')]);
  expect(receipt.outcome).toBe('accepted');
  const ids = receipt.outcome === 'accepted' ? receipt.operations : [];
  expect(ids).toHaveLength(1);
  expect(receipt).toMatchObject({ operation: ids[0] });
  expect(ids.map((id) => manager.queue.get(id)?.state)).toEqual(['accepted']);
  expect(manager.status().queue.unprotected).toBe(1);
});

test('a message that kills the worker each time is given up after three times', async () => {
  const { server, client, manager } = await setUp({
    confirm: { ...quick, within: 150, unconfirmed: 'resend' },
  });
  server.fault({ kind: 'dead_worker' });
  await client.addMessages('g', [said('poison')]);
  const state = () => manager.queue.list()[0];
  await expect.poll(state, soon).toMatchObject({ state: 'dead', reason: 'unconfirmed' });
  expect(taken(server)).toEqual(Array(4).fill('poison'));
});

test('what came through in a restart of the app is confirmed by the next one', async () => {
  const server = await startServer();
  const store = () => ({ store: lowdbStore({ directory: folder.path }) });
  const first = clientOf(server, { confirm: { interval: 60_000 } }, store());
  const receipt = await first.client.addMessages('g', [said('one')]);
  expect(receipt).toMatchObject({ outcome: 'accepted', durability: 'disk' });
  await first.manager.close();
  await server.ingested();
  const second = clientOf(server, {}, store());
  await second.manager.open();
  const id = receipt.outcome === 'accepted' ? receipt.operation : '';
  await expect.poll(() => second.manager.queue.get(id)?.state, soon).toBe('confirmed');
  expect(taken(server)).toEqual(['one']);
});

test('one request for a group and interval, whatever waits there', async () => {
  const { server, client, manager } = await setUp({ confirm: { interval: 300, maxInterval: 300 } });
  for (const text of ['1', '2', '3', '4', '5']) await client.addMessages('g', [said(text)]);
  await client.addMessages('h', [said('6')]);
  await expect.poll(() => manager.status().queue.confirmed, soon).toBe(6);
  const looks = server.received({ path: '/episodes' }).map(({ path }) => path);
  expect(looks.sort()).toEqual(['/episodes/g', '/episodes/h']);
});

test('messages that were read are confirmed by that: nobody looks for them', async () => {
  const { server, client, manager } = await setUp({ confirm: { interval: 60_000 } });
  await client.addMessages('g', [said('one'), said('two')]);
  await server.ingested();
  await client.getEpisodes('g', 1);
  await expect.poll(() => manager.status().queue.confirmed, soon).toBe(1);
  expect(server.received({ path: '/episodes' })).toHaveLength(1);
});

test("a message with a name and a time of the caller's is known again by both and its text", async () => {
  const { server, client, manager } = await setUp();
  const timestamp = '2026-01-31T12:00:00Z';
  await client.addMessages('g', [{ ...said('one'), name: 'mine', timestamp }]);
  await client.addMessages('g', [{ ...said('two'), name: 'mine' }]);
  await expect.poll(() => manager.status().queue.confirmed, soon).toBe(2);
  expect(server.episodes('g').map(({ name }) => name)).toEqual(['mine', 'mine']);
});

test('a message that was dated long ago is found behind many newer ones', async () => {
  const { server, client, manager } = await setUp();
  const newer = Array.from({ length: 150 }, (_, index) => said(`${index}`));
  await fetch(`${server.url}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ group_id: 'g', messages: newer }),
  });
  await client.addMessages('g', [{ ...said('once'), timestamp: '2001-01-31T12:00:00Z' }]);
  await expect.poll(() => manager.status().queue.confirmed, soon).toBe(1);
  expect(stored(server)[0]).toBe('once');
});

test('a message of the future shows when its time has come: until then nobody waits for it', async () => {
  const { client } = await setUp();
  const timestamp = new Date(Date.now() + 3_600_000).toISOString();
  const receipt = await client.addMessages('g', [{ ...said('one'), timestamp }]);
  expect(receipt).toMatchObject({ outcome: 'applied', value: { success: true } });
});

test('accepted messages make no lane busy: their group is deleted and cleared, and they are not sent again', async () => {
  const { server, client, manager } = await setUp({
    confirm: { interval: 200, within: 100, unconfirmed: 'resend' },
  });
  server.fault({ kind: 'dead_worker' });
  await client.addMessages('g', [said('one')]);
  await client.addMessages('h', [said('two')]);
  expect(await client.deleteGroup('g', { confirm: 'g' })).toMatchObject({ outcome: 'applied' });
  expect(manager.queue.list()).toMatchObject([{ lane: 'group:h', state: 'accepted' }]);
  expect(await client.clear({ confirm: 'CLEAR ALL' })).toMatchObject({ outcome: 'applied' });
  expect(manager.queue.list()).toEqual([]);
});

test('with a store that fails a message is sent live, and taken as applied', async () => {
  const { server, client } = await setUp({}, { store: failingStore() });
  expect((await client.addMessages('g', [said('one')])).outcome).toBe('applied');
  await server.ingested();
  expect(stored(server)).toEqual(['one']);
});

test('turned off, an acknowledged message is taken as applied', async () => {
  const { server, client, manager } = await setUp({ confirm: false });
  expect((await client.addMessages('g', [said('one')])).outcome).toBe('applied');
  await server.ingested();
  expect(manager.status().queue.accepted).toBe(0);
  expect(server.received({ path: '/episodes' })).toEqual([]);
});

test('an accepted message shows as pending until it is stored, and then once', async () => {
  const { server, client } = await setUp({ confirm: { interval: 60_000 } });
  const clear = server.fault({ kind: 'dead_worker' });
  await client.addMessages('g', [said('one')]);
  expect(await client.getEpisodes('g', 5)).toMatchObject([{ pending: true }]);
  await clear();
  server.restart();
  await client.addMessages('g', [said('two')]);
  await server.ingested();
  const { value } = await client.getEpisodes.detailed('g', 5);
  expect(value.map(({ content, pending }) => [content, pending ?? false])).toEqual([
    ['ann(user): two', false],
    ['ann(user): one', true],
  ]);
});

test('in an outage nothing is looked for, and afterwards what was queued is confirmed, too', async () => {
  const { server, client, manager } = await setUp();
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  expect((await client.addMessages('g', [said('one')])).outcome).toBe('queued');
  await server.heal();
  await expect.poll(() => manager.status().queue.confirmed, soon).toBe(1);
  expect(stored(server)).toEqual(['one']);
});

test('how messages are confirmed is checked at construction', async () => {
  const server = await startServer();
  for (const [confirm, message] of [
    [{ within: 0 }, 'Expected `within`'],
    [{ unconfirmed: 'forget' }, 'Expected `unconfirmed`'],
    [{ deadline: 5 }, 'deadline'],
    [true, 'Expected `confirm`'],
  ])
    expect(() => clientOf(server, { confirm: confirm as never })).toThrow(String(message));
});

function failingStore() {
  const fails = () => Promise.reject(new Error('no disk'));
  return {
    kind: 'failing',
    open: async () => ({ records: 0, quarantined: [], warnings: [] }),
    entries: () => [],
    commit: fails,
    status: () => ({ kind: 'failing', durability: 'disk', writable: false }) as const,
    close: async () => {},
  };
}
