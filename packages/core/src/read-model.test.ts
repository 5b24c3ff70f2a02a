import { expect, test } from 'vitest';
import { isFallbackError } from './errors.ts';
import { FallbackManager } from './manager.ts';
import { type ManualClock, manualClock, settled } from './manual-clock.test.support.ts';
import { type Chance, seededChance } from './model-chance.test.support.ts';
import type { ReadCallOptions } from './operation.ts';
import type { Detailed } from './outcome.ts';
import { HttpError } from './upstream.test.support.ts';

/** Whose answer it is, and as of which change of the upstream. */
interface Answer {
  readonly id: string;
  readonly user: string;
  readonly version: number;
}

const runs = 60;
const ttl = 300;
const staleIfError = 2_000;

/** Things with versions: every change of anything is a new one. Looks at one moment, answers at a later. */
class Upstream {
  outage = 0;
  readonly #versions = new Map<string, number>();
  readonly #clock: ManualClock;
  readonly #chance: Chance;
  #last = 0;

  constructor(clock: ManualClock, chance: Chance) {
    this.#clock = clock;
    this.#chance = chance;
  }

  async get(id: string, user: string): Promise<Answer> {
    await this.#arrive();
    const version = this.#versions.get(id);
    await this.#pause();
    if (version === undefined) throw new HttpError(404);
    return { id, user, version };
  }

  async put(id: string): Promise<number> {
    await this.#arrive();
    this.#last += 1;
    this.#versions.set(id, this.#last);
    const version = this.#last;
    await this.#pause();
    return version;
  }

  async remove(id: string): Promise<number> {
    await this.#arrive();
    this.#last += 1;
    this.#versions.delete(id);
    const version = this.#last;
    await this.#pause();
    return version;
  }

  async #arrive(): Promise<void> {
    await this.#pause();
    if (this.#chance.happens(this.outage)) throw new HttpError(this.#chance.pick(500, 503, 429));
  }

  #pause(): Promise<void> {
    const { happens, below } = this.#chance;
    const ms = happens(0.05) ? 1_500 : below(150);
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }
}

/** Random reads and writes of a few things, in good weather and bad; every answer is checked. */
async function run(
  seed: number,
): Promise<{ readonly wrong: string[]; readonly seen: Set<string> }> {
  const clock = manualClock();
  const chance = seededChance(seed);
  const upstream = new Upstream(clock, chance);
  const manager = new FallbackManager({
    name: 'things',
    application: 'test',
    logger: false,
    mode: 'read_only',
    cache: { ttl, staleIfError },
    breaker: { openFor: 1_000 },
    recoveryRamp: 500,
    random: chance.next,
    clock,
  });
  const thing = (id: string) => ({ type: 'thing', id });
  const get = manager.read('get', {
    run: (id: string, { headers }) => upstream.get(id, headers.user ?? ''),
    // What concerns it is known from the answer alone: the harder case.
    entities: (_id, answer) => (answer ? [thing(answer.id)] : []),
  });
  const put = manager.write('put', { run: (id: string) => upstream.put(id), entity: thing });
  const remove = manager.write('remove', {
    run: (id: string) => upstream.remove(id),
    entity: thing,
    effect: 'delete',
  });

  const wrong: string[] = [];
  const seen = new Set<string>();
  /** The versions of what was acknowledged: answers must not be older. */
  const written = new Map<string, number>();
  const removed = new Map<string, number>();
  const calls: Promise<void>[] = [];

  async function write(id: string): Promise<void> {
    const deletes = chance.happens(0.3);
    const receipt = await (deletes ? remove : put)(id).catch(() => undefined);
    if (receipt?.outcome === 'applied') (deletes ? removed : written).set(id, receipt.value);
  }

  async function read(id: string): Promise<void> {
    const user = chance.pick('ann', 'bob', '');
    const caller = new AbortController();
    const options: ReadCallOptions = {
      headers: { User: user },
      softTimeout: chance.pick<number | false | undefined>(undefined, false, 0, 50),
      timeoutMs: chance.pick<number | undefined>(undefined, 200, 1_000),
      signal: chance.pick<AbortSignal | undefined>(undefined, caller.signal),
    };
    const changed = written.get(id) ?? 0;
    const gone = removed.get(id) ?? 0;
    const stop = chance.happens(0.2) && clock.after(chance.below(300), () => caller.abort());
    try {
      check(await get.detailed(id, options));
    } catch (error) {
      const status = error instanceof HttpError ? error.status : undefined;
      const expected = status === 404 || error === caller.signal.reason || isFallbackError(error);
      if (!expected) wrong.push(`get ${id} threw ${String(error)}`);
      seen.add(`threw ${status ?? (isFallbackError(error) ? error.code : 'abort')}`);
    } finally {
      if (stop) stop();
    }

    function check({ value, outcome, ageMs }: Detailed<Answer>): void {
      seen.add(outcome);
      const what = `get ${id} of ${user}: ${outcome} ${JSON.stringify(value)}, ${ageMs} ms old`;
      if (value.id !== id || value.user !== user) wrong.push(`${what}: another's`);
      if (value.version <= gone) wrong.push(`${what}: it was deleted in ${gone}`);
      if (outcome !== 'stale' && value.version < changed)
        wrong.push(`${what}: it had been changed in ${changed}`);
      if (ageMs > (outcome === 'stale' ? ttl + staleIfError : ttl)) wrong.push(`${what}: too old`);
    }
  }

  for (let step = 0; step < 120; step += 1) {
    if (chance.happens(0.05)) upstream.outage = chance.pick(0, 0, 0.5, 1);
    const id = chance.pick('a', 'b', 'c');
    calls.push(chance.happens(0.25) ? write(id) : read(id));
    if (chance.happens(0.6)) await clock.advance(chance.below(chance.pick(20, 200, 800)));
  }
  await clock.advance(20_000);
  await Promise.all(calls);

  // What proves that it works is an answer, and a thing that is not there is none.
  upstream.outage = 0;
  const ping = manager.read('ping', { run: async () => 'pong' });
  for (let round = 0; round < 10 && manager.active; round += 1) {
    await ping().catch(() => {});
    await clock.advance(5_000);
  }
  if ((await ping.detailed()).outcome !== 'live') wrong.push('the upstream is not asked again');
  await manager.close();
  await settled();
  return { wrong, seen };
}

test('whatever happens, an answer is its caller’s own, and no older than it may be', {
  timeout: 60_000,
}, async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= runs; seed += 1) {
    const result = await run(seed);
    expect(result.wrong, `seed ${seed}`).toEqual([]);
    for (const each of result.seen) seen.add(each);
  }
  // The runs reach what they are to prove.
  expect([...seen].sort()).toEqual([
    'cache',
    'live',
    'stale',
    'threw 404',
    'threw FALLBACK_UNAVAILABLE',
    'threw abort',
  ]);
});
