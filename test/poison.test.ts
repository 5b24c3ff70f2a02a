/** What an outage may cost, and what one bad write may: over real HTTP, with a clock that runs fast. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Clock, FallbackManager } from '@graphiti-fallback/core';
import { afterEach, expect, test } from 'vitest';

/** So many hours pass in a few seconds. */
const speed = 2_000;
const hour = 3_600_000;

/** Real time, but faster. Calls need a deadline that is long in it. */
const fastClock: Clock = {
  now: () => Date.now() * speed,
  elapsed: () => performance.now() * speed,
  after(ms, wake) {
    const timer = setTimeout(wake, Math.max(1, ms / speed));
    return () => clearTimeout(timer);
  },
};

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

/** An upstream that answers 500 to what `fails` says, and a manager before it. */
async function started() {
  const upstream = { fails: (_id: string): boolean => true, applied: [] as string[] };
  const server = createServer(async (request, response) => {
    const id = await text(request);
    const failed = upstream.fails(id);
    if (!failed && id) upstream.applied.push(id);
    response.writeHead(failed ? 500 : 200).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const ask = async (body: string) => {
    const response = await fetch(url, { method: 'POST', body });
    await response.arrayBuffer();
    if (!response.ok) throw response;
  };
  const manager = new FallbackManager({
    name: 'poison',
    application: 'test',
    logger: false,
    clock: fastClock,
    timeouts: { read: 10 * hour, write: 10 * hour },
    closeTimeout: hour,
  });
  const write = manager.write('write', {
    entity: (id: string) => ({ type: 'item', id }),
    idempotent: true,
    run: ask,
  });
  const read = manager.read('read', { run: () => ask('') });
  open.push(
    { [Symbol.asyncDispose]: async () => void server.close().closeAllConnections() },
    manager,
  );
  return { upstream, manager, write, read };
}

test('an outage that answers 500 for hours gives nothing up; one poisoned write is given up alone', async () => {
  const { upstream, manager, write, read } = await started();
  for (let call = 0; call < 5; call += 1) await read().catch(() => {});
  const ids = ['poison', ...Array.from({ length: 20 }, (_, index) => `good-${index}`)];
  for (const id of ids) expect(await write(id)).toMatchObject({ outcome: 'queued' });
  const began = fastClock.elapsed();
  // All backoffs of ten attempts together are 35 minutes at most.
  await expect
    .poll(() => fastClock.elapsed() - began, { timeout: 20_000 })
    .toBeGreaterThan(2 * hour);
  expect(manager.status().queue).toMatchObject({ size: ids.length, deadLettered: 0 });

  upstream.fails = (id) => id === 'poison';
  let round = 0;
  const rest = async () => {
    // Others go on meanwhile: it is they who prove that the upstream is not to blame.
    round += 1;
    await write(`later-${round}`);
    return manager.status().queue;
  };
  await expect.poll(rest, { timeout: 30_000, interval: 100 }).toMatchObject({ size: 0 });
  expect(manager.queue.list()).toMatchObject([
    { state: 'dead', reason: 'poison', input: 'poison', lastError: '500' },
  ]);
  expect(new Set(upstream.applied.filter((id) => id.startsWith('good'))).size).toBe(20);
  expect(manager.active).toBe(false);
}, 60_000);
