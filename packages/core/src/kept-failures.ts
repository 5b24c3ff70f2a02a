/** Failures of reads that several waited for, kept for a moment: who asks the same meanwhile makes no call. */

import type { Clock } from './clock.ts';

/** A failure is kept up to this many times longer than the first in a row. */
const longestFactor = 10;
/** Keys whose failure is kept. */
const maxKeys = 1_000;

/** A failure as it was thrown. */
export interface KeptFailure {
  readonly error: unknown;
  /** Monotonic time, in ms. */
  readonly at: number;
}

interface Kept extends KeptFailure {
  readonly until: number;
  /** How long this one is kept, in ms. */
  readonly lasting: number;
}

/**
 * Keeps the failures of keys for `ttl` ms, doubled with each further failure of the key up to ten times
 * as long: negative caching of failures, as RFC 9520 has it for DNS. A `ttl` of 0 keeps none.
 */
export class KeptFailures {
  readonly #ttl: number;
  readonly #clock: Clock;
  /** In the order of the latest failure. */
  readonly #kept = new Map<string, Kept>();

  constructor(ttl: number, clock: Clock) {
    this.#ttl = ttl;
    this.#clock = clock;
  }

  /** A call failed; the upstream may have said when to try again. */
  failed(key: string, error: unknown, retryAfterMs = 0): void {
    if (this.#ttl === 0) return;
    const at = this.#clock.elapsed();
    const longest = this.#ttl * longestFactor;
    const before = this.#kept.get(key);
    // One that ended long ago says nothing about this one.
    const again = before !== undefined && at - before.until < longest;
    const lasting = again ? Math.min(longest, before.lasting * 2) : this.#ttl;
    this.#kept.delete(key);
    this.#kept.set(key, {
      error,
      at,
      lasting,
      until: at + Math.min(longest, Math.max(lasting, retryAfterMs)),
    });
    this.#forget(at - 2 * longest);
  }

  /** A call succeeded. */
  succeeded(key: string): void {
    if (this.#kept.size > 0) this.#kept.delete(key);
  }

  /** The failure that is kept for a key now, unless it is from before a monotonic time. */
  of(key: string, since: number): KeptFailure | undefined {
    if (this.#kept.size === 0) return undefined;
    const kept = this.#kept.get(key);
    if (!kept || kept.at < since || kept.until <= this.#clock.elapsed()) return undefined;
    return kept;
  }

  #forget(before: number): void {
    for (const [key, { at }] of this.#kept) {
      if (at > before && this.#kept.size <= maxKeys) return;
      this.#kept.delete(key);
    }
  }
}
