/** How the client treats Graphiti, rule by rule, where the other files here do not say it already. */

import { expect, test } from 'vitest';
import { atHand, outage, said, setUp, soon } from './subject.ts';

test.each([
  ['429', { kind: 'throttle' }, false],
  ['503', { kind: 'unavailable' }, true],
  ['500', { kind: 'error' }, true],
] as const)('%s: whether it trips the breaker', async (_status, fault, trips) => {
  const { server, client, manager } = await setUp();
  server.fault(fault);
  for (let call = 0; call < 5; call += 1) await atHand(client.getEpisodes('g', 1));
  expect(manager.active).toBe(trips);
});

test("a 404 and a 422 are the caller's, and never trip a breaker", async () => {
  const { client, manager } = await setUp();
  for (let call = 0; call < 5; call += 1)
    await expect(client.getEntityEdge('none')).rejects.toMatchObject({ status: 404 });
  expect([manager.active, client.health().state]).toEqual([false, 'live']);
});

test('the preset: 5 s for reads and messages, 10 s for other writes, one try more, four replays at once', async () => {
  const { upstream } = await setUp();
  expect(upstream.preset).toMatchObject({
    upstream: upstream.url,
    timeouts: { read: 5_000, write: 10_000 },
    retry: { retries: 1 },
    drain: { limit: 4 },
    health: { checks: upstream.checkers },
  });
});

test('a queue is replayed slowly: 202 is no backpressure', async () => {
  const { server, client, manager } = await setUp();
  server.fault({ kind: 'refuse' });
  await outage(manager, client);
  const groups = Array.from({ length: 12 }, (_, index) => `g${index}`);
  for (const group of groups) await client.addMessages(group, [said('one')]);
  await server.heal();
  let most = 0;
  await expect
    .poll(() => {
      most = Math.max(most, manager.status().queue.states.in_flight);
      return manager.status().queue.size;
    }, soon)
    .toBe(0);
  expect(most).toBeLessThanOrEqual(4);
  expect(manager.status().queue.drainLimit).toBeLessThanOrEqual(4);
});

test('a custom fetch and a `headers()` hook see every request, also those that nobody asked for', async () => {
  const sent: string[] = [];
  const { client, manager } = await setUp({
    headers: () => ({ authorization: 'Bearer token' }),
    fetch: (input, init) => {
      sent.push(
        `${new URL(String(input)).pathname} ${new Headers(init?.headers).get('authorization')}`,
      );
      return fetch(input, init);
    },
  });
  await client.addMessages('g', [said('one')]);
  await expect.poll(() => manager.status().queue.confirmed, soon).toBe(1);
  expect(new Set(sent)).toEqual(new Set(['/messages Bearer token', '/episodes/g Bearer token']));
});
