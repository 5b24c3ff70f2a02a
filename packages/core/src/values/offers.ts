/** Answers on their way to others: a hot one is handed on a few times a second at most. */

import type { Clock } from '../clock.ts';
import type { OwnAnswer } from './exchange.ts';
import type { SharedAnswer } from './shared-values.ts';

/** An answer that is what it was is handed on again after this time only, in ms. */
const sameAfter = 10_000;
/** Handed on at a time, in answers and in characters of them, and how many may wait. */
const atOnce = 64;
const charactersAtOnce = 1_000_000;
const most = 10_000;

/** Collects them by key, of which only the last is handed on. */
export class Offers {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, OwnAnswer>();
  /** When each was last handed on, monotonic ms; the oldest first. */
  readonly #handed = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(key: string, answer: OwnAnswer, again: boolean): void {
    const handedAt = this.#handed.get(key) ?? Number.NEGATIVE_INFINITY;
    if (again && this.#clock.elapsed() - handedAt < sameAfter) return;
    if (this.#waiting.size < most || this.#waiting.has(key)) this.#waiting.set(key, answer);
  }

  /** Takes all, in parts. */
  *take(): Generator<readonly SharedAnswer[]> {
    const now = this.#clock.elapsed();
    for (const [key, at] of this.#handed) {
      if (now - at < sameAfter) break;
      this.#handed.delete(key);
    }
    while (this.#waiting.size > 0) {
      const part: SharedAnswer[] = [];
      let characters = 0;
      for (const [key, answer] of this.#waiting) {
        const shared = this.#shared(key, answer);
        const length = shared?.body.length ?? 0;
        if (part.length > 0 && characters + length > charactersAtOnce) break;
        this.#waiting.delete(key);
        this.#handed.delete(key);
        this.#handed.set(key, now);
        characters += length;
        if (shared) part.push(shared);
        if (part.length === atOnce) break;
      }
      yield part;
    }
  }

  #shared(key: string, answer: OwnAnswer): SharedAnswer | undefined {
    const { value, entities, storedAt, freshUntil, staleUntil, since } = answer;
    if (!since) return undefined;
    return {
      key,
      body: JSON.stringify(value),
      entities,
      ageMs: Math.max(0, this.#clock.now() - storedAt),
      ttlMs: Math.max(0, freshUntil - storedAt),
      staleMs: Math.max(0, staleUntil - freshUntil),
      since,
    };
  }
}
