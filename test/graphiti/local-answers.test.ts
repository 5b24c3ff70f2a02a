import type { Fact, GraphitiClient } from '@graphiti-fallback/graphiti';
import type { GraphitiServer } from '@graphiti-fallback/testing';
import { expect, test } from 'vitest';
import { atHand, outage, said, setUp, soon } from './subject.ts';

const inGroup = { groupId: 'g' };

/** Facts of a group, one for each text. */
async function remembered(server: GraphitiServer, client: GraphitiClient, ...texts: string[]) {
  await client.addMessages('g', texts.map(said));
  await server.ingested();
  return server.facts('g') as [Fact, Fact, ...Fact[]];
}

/** How a read ended that may find nothing. */
async function outcomeOf(read: Promise<{ readonly outcome: string }>): Promise<string> {
  return read.then(
    ({ outcome }) => outcome,
    () => 'none',
  );
}

test('a fact whose deletion is queued is hidden at once, in every answer, and then gone', async () => {
  const { server, client, manager } = await setUp();
  const [tea, milk] = await remembered(server, client, 'Tea is hot.', 'Milk is cold.');
  const all = { query: 'hot or cold', group_ids: ['g'] };
  const memory = { group_id: 'g', messages: [said('is it hot or cold')] };
  await client.search(all);
  await client.getMemory(memory);
  await client.getEntityEdge(milk.uuid);
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  await client.deleteEntityEdge(milk.uuid, inGroup);
  expect((await client.search(all)).facts).toEqual([tea]);
  expect((await client.getMemory(memory)).facts).toEqual([tea]);
  await expect(client.getEntityEdge(milk.uuid)).rejects.toMatchObject({
    name: 'GraphitiError',
    status: 404,
  });
  expect(await client.getEntityEdge(tea.uuid)).toEqual(tea);
  manager.queue.pause();
  await server.heal();
  await expect.poll(() => manager.active, soon).toBe(false);
  await expect.poll(() => outcomeOf(client.search.detailed(all)), soon).toBe('live');
  expect((await client.search(all)).facts).toEqual([tea]);
  expect(server.facts('g')).toHaveLength(2);
  manager.queue.resume();
  await expect.poll(() => server.facts('g'), soon).toEqual([tea]);
  await expect(client.getEntityEdge(milk.uuid)).rejects.toMatchObject({ status: 404 });
});

test('a message whose deletion is queued is hidden with the facts that it stated first', async () => {
  const { server, client, manager } = await setUp();
  const [tea, milk] = await remembered(server, client, 'Tea is hot.', 'Milk is cold.');
  const [first, second] = await client.getEpisodes('g', 2);
  await client.search({ query: 'hot or cold' });
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  await client.deleteEpisode(String(first?.uuid), inGroup);
  expect(await client.getEpisodes('g', 2)).toEqual([second]);
  expect((await client.search({ query: 'hot or cold' })).facts).toEqual([milk]);
  await expect(client.getEntityEdge(tea.uuid)).rejects.toMatchObject({ status: 404 });
});

test('a queued message shows at the end of the episodes, as pending, and once it is stored as itself', async () => {
  const { server, client } = await setUp();
  await remembered(server, client, 'Tea is hot.', 'Milk is cold.');
  const before = await client.getEpisodes('g', 2);
  server.fault({ kind: 'refuse' });
  const receipt = await client.addMessages('g', [
    { ...said('Rain is wet.'), source_description: 'chat' },
  ]);
  const { value, outcome, pending } = await client.getEpisodes.detailed('g', 2);
  expect([outcome, pending]).toEqual(['stale', 1]);
  expect(value).toEqual([
    before[1],
    {
      uuid: receipt.outcome === 'queued' && receipt.operation,
      name: expect.stringMatching(/^gf:/),
      group_id: 'g',
      labels: [],
      created_at: expect.any(String),
      source: 'message',
      source_description: 'chat',
      content: 'ann(user): Rain is wet.',
      valid_at: expect.any(String),
      entity_edges: [],
      pending: true,
    },
  ]);
  await server.heal();
  const stored = async () => (await client.getEpisodes('g', 1))[0];
  await expect.poll(stored, soon).toMatchObject({ content: 'ann(user): Rain is wet.' });
  await expect.poll(async () => (await stored())?.pending, soon).toBeUndefined();
  expect(server.episodes('g')).toHaveLength(3);
});

test('with nothing cached, what was said here is all that is known of a group', async () => {
  const { server, client } = await setUp();
  server.fault({ kind: 'refuse' });
  expect(await atHand(client.getEpisodes('g', 5))).toBe(false);
  await client.addMessages('g', [said('one'), said('two')]);
  const { value, outcome } = await client.getEpisodes.detailed('g', 1);
  expect(outcome).toBe('entity');
  expect(value).toMatchObject([{ content: 'ann(user): two', pending: true }]);
});

test('facts are never invented: a miss is told apart from an answer without facts', async () => {
  const { server, client } = await setUp();
  await client.search({ query: 'nothing of this' });
  server.fault({ kind: 'refuse' });
  await client.addMessages('g', [said('Tea is hot.')]);
  await client.addEntityNode({ uuid: 'n', group_id: 'g', name: 'Tea' });
  expect(await client.search({ query: 'nothing of this' })).toEqual({ facts: [] });
  expect(await atHand(client.search({ query: 'tea' }))).toBe(false);
  expect(await atHand(client.getMemory({ group_id: 'g', messages: [said('tea')] }))).toBe(false);
});

test('a queued entity node shows as pending, the last one of its uuid, until Graphiti has it', async () => {
  const { server, client } = await setUp();
  server.fault({ kind: 'refuse' });
  const node = { uuid: 'n', group_id: 'g', name: 'Ann' };
  await client.addEntityNode(node);
  await client.addEntityNode({ ...node, summary: 'likes tea' });
  expect(await client.getPendingEntity('n')).toEqual({ ...node, summary: 'likes tea' });
  expect(await client.getPendingEntity('m')).toBeUndefined();
  await expect(client.getPendingEntity('')).rejects.toMatchObject({
    code: 'FALLBACK_INVALID_INPUT',
  });
  await server.heal();
  await expect.poll(() => client.getPendingEntity('n'), soon).toBeUndefined();
  expect(server.nodes('g')).toMatchObject([{ summary: 'likes tea' }]);
});

test('facts of any answer are at hand by their uuid, the newest form of each', async () => {
  const { server, client } = await setUp();
  const [tea] = await remembered(server, client, 'Tea is hot.', 'Milk is cold.');
  await client.search({ query: 'tea' });
  const memory = await client.getMemory({ group_id: 'g', messages: [said('milk')] });
  const milk = memory.facts[0];
  server.fault({ kind: 'refuse' });
  const found = await client.getEntityEdge.detailed(tea.uuid);
  expect([found.value, found.outcome]).toEqual([tea, 'stale']);
  expect(await client.getEntityEdge(String(milk?.uuid))).toEqual(milk);
  expect(await atHand(client.getEntityEdge('another'))).toBe(false);
  const headers = { authorization: 'bob' };
  expect(await atHand(client.getEntityEdge(tea.uuid, { headers }))).toBe(false);
  expect(await atHand(client.getEntityEdge(tea.uuid, { maxStaleMs: -1 }))).toBe(false);
});

test('fewer episodes are sliced from the newest end of more, and more from all that there are', async () => {
  const { server, client } = await setUp({ confirm: false });
  await remembered(server, client, 'One is one.', 'Two is two.', 'Three is three.');
  const two = await client.getEpisodes('g', 2);
  server.fault({ kind: 'refuse' });
  const one = await client.getEpisodes.detailed('g', 1);
  expect([one.value, one.outcome]).toEqual([[two[1]], 'stale']);
  expect(await atHand(client.getEpisodes('g', 3))).toBe(false);
  expect(await atHand(client.getEpisodes('h', 1))).toBe(false);
  await server.heal();
  await expect.poll(() => outcomeOf(client.getEpisodes.detailed('g', 10)), soon).toBe('live');
  const all = await client.getEpisodes('g', 10);
  server.fault({ kind: 'refuse' });
  expect(all).toHaveLength(3);
  expect(await client.getEpisodes('g', 1_000)).toEqual(all);
  expect(await client.getEpisodes('g', 2)).toEqual(two);
});
