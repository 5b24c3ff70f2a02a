/** An upstream that a test holds in its hand. */

import { FallbackManager } from './manager.ts';
import { type ManualClock, manualClock } from './manual-clock.test.support.ts';
import type { FallbackManagerOptions } from './options.ts';

/** An error as HTTP clients throw it. */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, headers: Record<string, string> = {}) {
    super(`HTTP ${status}`);
    this.status = status;
    this.headers = headers;
  }
}

/** What a refused connection looks like through `fetch`. */
export function refused(): Error {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  return new TypeError('fetch failed', { cause });
}

/** A key-value service: `fail` decides what it throws, before or after it applied a write. */
class TestUpstream {
  readonly values = new Map<string, string>();
  readonly received: string[] = [];
  readonly applied: string[] = [];
  fail: ((name: string) => unknown) | undefined;
  /** Applies the write, and then fails with this. */
  failAfter: ((name: string) => unknown) | undefined;
  /** A call waits here until it is let go. */
  gate: ((name: string) => Promise<void> | undefined) | undefined;

  async get(id: string): Promise<{ id: string; value: string | null }> {
    await this.#arrive(`get ${id}`);
    return { id, value: this.values.get(id) ?? null };
  }

  async put(id: string, value: string): Promise<{ ok: true }> {
    const name = `put ${id}=${value}`;
    await this.#arrive(name);
    this.applied.push(`${id}=${value}`);
    this.values.set(id, value);
    const after = this.failAfter?.(name);
    if (after) throw after;
    return { ok: true };
  }

  async remove(id: string): Promise<void> {
    await this.#arrive(`remove ${id}`);
    this.values.delete(id);
  }

  async #arrive(name: string): Promise<void> {
    this.received.push(name);
    await this.gate?.(name);
    const error = this.fail?.(name);
    if (error) throw error;
  }
}

type Item = { readonly id: string; readonly value: string };

/** A manager around a {@link TestUpstream}, with operations on it. */
export function testManager(
  options: Partial<FallbackManagerOptions> = {},
  upstream = new TestUpstream(),
) {
  const clock: ManualClock = (options.clock as ManualClock | undefined) ?? manualClock();
  const manager = new FallbackManager({
    name: 'items',
    application: 'test',
    logger: false,
    recoveryRamp: 0,
    retry: { retries: 0 },
    random: () => 0.5,
    ...options,
    clock,
  });
  const item = (id: string) => ({ type: 'item', id });
  const get = manager.read('item.get', {
    run: (id: string) => upstream.get(id),
    entities: (id) => [item(id)],
  });
  const put = manager.write('item.put', {
    run: ({ id, value }: Item) => upstream.put(id, value),
    entity: ({ id }) => item(id),
    idempotent: true,
  });
  const add = manager.write('item.add', {
    run: ({ id, value }: Item) => upstream.put(id, value),
    entity: ({ id }) => item(id),
  });
  const log = manager.write('item.log', {
    run: ({ id, value }: Item) => upstream.put(id, value),
    entity: ({ id }) => item(id),
    reconcile: ({ id, value }) => {
      upstream.received.push(`look ${id}=${value}`);
      return upstream.applied.includes(`${id}=${value}`) ? 'applied' : 'absent';
    },
    reconcileFor: 10_000,
  });
  const remove = manager.write('item.remove', {
    run: (id: string) => upstream.remove(id),
    entity: item,
    effect: 'delete',
    idempotent: true,
  });
  return { clock, manager, upstream, get, put, add, log, remove };
}

/** The upstream refuses connections, and the breaker is open. */
export async function outage(
  kit: Pick<ReturnType<typeof testManager>, 'upstream' | 'get' | 'manager'>,
) {
  kit.upstream.fail = refused;
  for (let call = 0; call < 5; call += 1) await kit.get('open').catch(() => {});
  if (!kit.manager.active) throw new Error('The breaker is not open');
}

/** The upstream works again, and what can be replayed within the first half-open time is. */
export async function recovery(kit: Pick<ReturnType<typeof testManager>, 'upstream' | 'clock'>) {
  kit.upstream.fail = undefined;
  await kit.clock.advance(70_000);
}

/** Reads go on, and close the breaker where the upstream answers them. */
export async function untilClosed(
  kit: Pick<ReturnType<typeof testManager>, 'manager' | 'get' | 'clock'>,
) {
  for (let round = 0; kit.manager.active && round < 100; round += 1) {
    await kit.clock.advance(5_000);
    await kit.get('x').catch(() => {});
  }
  if (kit.manager.active) throw new Error('The breaker does not close');
}
