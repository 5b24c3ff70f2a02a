/** One instance of an app: a manager over a Redis, and an upstream that notes what it is given. */

import { FallbackManager, type FallbackManagerOptions } from '@graphiti-fallback/core';
import { type RedisStoreOptions, redisStore } from '@graphiti-fallback/store-redis';

/** What is written. */
export interface Note {
  readonly lane: string;
  readonly text: string;
}

/** An upstream in this process, for several instances. */
export class Upstream {
  readonly applied: (Note & { readonly by: string })[] = [];
  /** Lanes that two wrote to at once. */
  overlaps = 0;
  down = false;
  /** Whether writes fail when they have taken their time. */
  fails = false;
  /** How long a write takes, in ms. */
  takes = 0;
  readonly #busy = new Set<string>();

  async write(by: string, note: Note): Promise<void> {
    if (this.down) throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' });
    if (this.#busy.has(note.lane)) this.overlaps += 1;
    this.#busy.add(note.lane);
    await new Promise((resolve) => setTimeout(resolve, this.takes));
    this.#busy.delete(note.lane);
    if (this.fails) throw Object.assign(new Error('failed'), { code: 'ECONNREFUSED' });
    this.applied.push({ ...note, by });
  }

  busy(lane: string): boolean {
    return this.#busy.has(lane);
  }

  texts(lane: string): readonly string[] {
    return this.applied.filter((note) => note.lane === lane).map(({ text }) => text);
  }
}

/** Makes an instance; it warns into `warnings`. */
export function instance(
  upstream: Upstream,
  by: string,
  store: RedisStoreOptions,
  options: Partial<FallbackManagerOptions> = {},
) {
  const warnings: string[] = [];
  const manager = new FallbackManager({
    name: 'fleet',
    application: 'fleet',
    logger: false,
    retry: { retries: 0 },
    breaker: { successThreshold: 1, openFor: 50 },
    timeouts: { write: 2_000 },
    health: { interval: 0 },
    // On a busy machine a healthy server may take its time.
    store: redisStore({ lease: 1_000, commandTimeout: 10_000, ...store }),
    ...options,
  });
  manager.on('warning', ({ message }) => warnings.push(message));
  const save = manager.write('note.save', {
    run: (note: Note) => upstream.write(by, note),
    entity: ({ lane }) => ({ type: 'note', id: lane }),
    idempotent: true,
  });
  return { manager, save, warnings };
}
