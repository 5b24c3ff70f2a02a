/** What the cache holds, on its way to the store: a hot answer is written twice a second, not at each call. */

import type { Clock } from './clock.ts';
import type { Undo } from './events.ts';
import type { Change } from './journal.ts';
import type { Json } from './json.ts';

/** How long an answer waits to be written, in ms. */
const rest = 500;
/** How often is looked whose wait is over, in ms: not all of them in one moment. */
const step = 100;

/** An answer that is not written yet. */
interface Waiting {
  /** Monotonic time, in ms. */
  readonly since: number;
  value: unknown;
}

/**
 * Collects answers by key, of which only the last is written. What takes an answer away, or shortens its
 * time, is written at once, and nothing that waited comes after it.
 */
export class CacheWriter {
  readonly #commit: (changes: readonly Change[]) => void;
  readonly #clock: Clock;
  /** In the order in which they began to wait. */
  readonly #waiting = new Map<string, Waiting>();
  #cancel: Undo | undefined;

  constructor(clock: Clock, commit: (changes: readonly Change[]) => void) {
    this.#clock = clock;
    this.#commit = commit;
  }

  /** Writes a value soon, unless a later one takes its place. */
  soon(key: string, value: unknown): void {
    const waiting = this.#waiting.get(key);
    if (waiting) waiting.value = value;
    else {
      this.#waiting.set(key, { since: this.#clock.elapsed(), value });
      this.#wake();
    }
  }

  /** Writes a value at once. */
  now(key: string, value: unknown): void {
    this.#waiting.delete(key);
    this.#commit([putOf(key, value)]);
  }

  /** Writes at once that a key is gone. */
  delete(key: string): void {
    this.#waiting.delete(key);
    this.#commit([{ bucket: 'cache', key, delete: true }]);
  }

  /** Writes all that waits. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#write(Number.POSITIVE_INFINITY);
  }

  #wake(): void {
    this.#cancel ??= this.#clock.after(step, () => {
      this.#cancel = undefined;
      this.#write(this.#clock.elapsed() - rest);
      if (this.#waiting.size > 0) this.#wake();
    });
  }

  #write(until: number): void {
    const changes: Change[] = [];
    for (const [key, { since, value }] of this.#waiting) {
      if (since > until) break;
      this.#waiting.delete(key);
      changes.push(putOf(key, value));
    }
    if (changes.length > 0) this.#commit(changes);
  }
}

function putOf(key: string, value: unknown): Change {
  return { bucket: 'cache', key, put: value as Json };
}
