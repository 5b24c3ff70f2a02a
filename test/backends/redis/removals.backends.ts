import { setTimeout as pause } from 'node:timers/promises';
import { FallbackManager } from '@graphiti-fallback/core';
import { redisStore } from '@graphiti-fallback/store-redis';
import { expect, test, vi } from 'vitest';
import { type RedisServer, redisServer } from './server.ts';

/** The same chances each time. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** Items whose answers say how often they had been removed when they were read, and may come late. */
class Items {
  readonly removed = new Map<string, number>();
  down = false;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  async get(id: string): Promise<{ life: number }> {
    if (this.down) throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' });
    const life = this.removed.get(id) ?? 0;
    await pause(this.#random() * 30);
    return { life };
  }

  async remove(id: string): Promise<void> {
    await pause(this.#random() * 5);
    this.removed.set(id, (this.removed.get(id) ?? 0) + 1);
  }
}

function instance(items: Items, url: string, commandTimeout: number) {
  const manager = new FallbackManager({
    name: 'fleet',
    application: 'removals',
    logger: false,
    retry: { retries: 0 },
    // Each read asks the upstream first, and falls back.
    breaker: { failureThreshold: 1_000_000 },
    cache: { failureTtl: 0 },
    health: { interval: 0 },
    store: redisStore({ url, commandTimeout }),
  });
  const entity = (id: string) => ({ type: 'item', id });
  return {
    manager,
    get: manager.read('get', {
      run: (id: string) => items.get(id),
      // The answer says what it concerns: nobody knows before.
      entities: (id, answer?: { life: number }) => (answer ? [entity(id)] : []),
    }),
    remove: manager.write('remove', {
      run: (id: string) => items.remove(id),
      entity,
      effect: 'delete',
    }),
  };
}

function endOf(fleet: readonly ReturnType<typeof instance>[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(fleet.map(({ manager }) => manager.close()));
    },
  };
}

const ids = ['a', 'b', 'c', 'd', 'e', 'f'];

/** Four instances and what they ask of. */
function fleetOver(url: string, seed: number, commandTimeout: number) {
  const random = chances(seed);
  const items = new Items(random);
  const fleet = [1, 2, 3, 4].map(() => instance(items, url, commandTimeout));
  const some = () => fleet[Math.floor(random() * fleet.length)] as (typeof fleet)[number];
  return {
    managers: endOf(fleet),
    random,
    /** Waits until all can ask Redis, or that is over. */
    async connected() {
      const problems = () => fleet.map(({ manager }) => manager.status().store.valuesProblem);
      await vi.waitFor(() => expect(problems()).toEqual(fleet.map(() => undefined)), 20_000);
    },
    /** Reads and removes at once. */
    async work() {
      const calls = Array.from({ length: 60 }, async () => {
        await pause(random() * 200);
        const id = ids[Math.floor(random() * ids.length)] as string;
        if (random() < 0.12) await some().remove(id);
        else await some().get(id);
      });
      await Promise.all(calls);
    },
    /** How many answers are served while the upstream is down; none of them may have been removed. */
    async served() {
      let served = 0;
      items.down = true;
      for (const { get } of fleet)
        for (const id of ids) {
          const answer = await get(id).catch(() => undefined);
          if (!answer) continue;
          served += 1;
          expect(answer.life).toBe(items.removed.get(id) ?? 0);
        }
      items.down = false;
      return served;
    },
  };
}

/** Within this all have heard, and handed on, in ms. */
const settling = 1_500;
/** A machine that lets a process wait for longer is busy with others, in ms: nothing is in time then. */
const late = 100;

/** How long is waited for it to be quiet, in ms. */
const patience = 5_000;

/** Waits until the machine has let all do what they do for so long. */
async function settled(): Promise<void> {
  const until = performance.now() + patience;
  for (let quiet = 0; quiet < settling && performance.now() < until; ) {
    const began = performance.now();
    await pause(20);
    const took = performance.now() - began;
    quiet = took > late ? 0 : quiet + took;
  }
}

// They wait most of the time, so that they do it together.
test.concurrent.each([1, 2, 3])(
  'whatever instances read and remove at once, none serves what any of them had removed (%i)',
  async (seed) => {
    await using server = await redisServer();
    const { managers, work, served } = fleetOver(server.url, seed, 10_000);
    await using _managers = managers;
    let all = 0;
    for (let round = 0; round < 8; round += 1) {
      await work();
      await settled();
      all += await served();
    }
    expect(all).toBeGreaterThan(50);
  },
);

type Fault = (server: RedisServer, random: () => number, work: () => Promise<void>) => unknown;

/** What happens to a server that keeps no file but what it is told to save. */
const faults: Readonly<Record<string, Fault>> = {
  'loses all its data': (server) => server.command('FLUSHALL'),
  'goes on with an older copy': async (server, _random, work) => {
    await pause(500); // answers are handed on
    await server.command('SAVE');
    await work();
    await server.kill();
    await server.restart();
  },
  'says nothing for a while': async (server, random) => {
    await server.kill('SIGSTOP');
    await pause(random() * 2_500);
    await server.kill('SIGCONT');
  },
  'is away for a while': async (server, _random, work) => {
    await server.command('SAVE');
    await server.kill();
    await work();
    await server.restart();
  },
};

test.concurrent.each(Object.keys(faults))(
  'none serves what any of them had removed either where Redis %s meanwhile',
  async (what) => {
    await using server = await redisServer(['--appendonly', 'no']);
    const { managers, random, connected, work, served } = fleetOver(server.url, what.length, 2_000);
    await using _managers = managers;
    for (let round = 0; round < 3; round += 1) {
      const working = work();
      await pause(random() * 150);
      await faults[what]?.(server, random, work);
      await working;
      await connected();
      await settled();
      await served();
    }
    // And it goes on.
    await work();
    await settled();
    expect(await served()).toBeGreaterThan(0);
  },
);
