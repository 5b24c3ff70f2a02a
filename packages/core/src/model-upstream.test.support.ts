/** An upstream that fails in every way, and remembers in which order it applied what. */

import type { Application } from './model-oracle.test.support.ts';
import { delay, type Life, never, type Surroundings } from './model-weather.test.support.ts';
import { HttpError, refused } from './upstream.test.support.ts';

/** A refused connection is what an outage is most often. */
const faults = [
  'refused',
  'refused',
  '500',
  '502 after it applied it',
  'hangs',
  'hangs after it applied it',
  '429',
] as const;

/** Applies writes when they arrive, whatever its answer then says. */
export class ModelUpstream {
  /** In order. */
  readonly applied: Application[] = [];
  readonly #keys = new Set<string>();
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  async write(number: number, key: string, life: Life): Promise<{ readonly done: number }> {
    const { chance, weather, note } = this.#around;
    if (!life.alive) return never();
    const apply = () => {
      this.applied.push({ number, key });
      this.#keys.add(key);
    };
    const wait = () => delay(this.#around, life, 300);
    if (!chance.happens(weather.outage)) {
      note(`upstream applies ${number}`);
      apply();
      if (chance.happens(0.7)) await wait();
      return { done: number };
    }
    const fault = chance.pick(...faults);
    note(`upstream to ${number}: ${fault}`);
    switch (fault) {
      case 'refused':
        if (chance.happens(0.5)) await wait();
        throw refused();
      case '429':
        throw new HttpError(429, { 'retry-after': '1' });
      case '500':
        await wait();
        throw new HttpError(500);
      case '502 after it applied it':
        apply();
        await wait();
        throw new HttpError(502);
      case 'hangs after it applied it':
        apply();
        return never();
      case 'hangs':
        return never();
    }
  }

  /** Whether it has a write. */
  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Any question: a read, a look for a write, a health check. */
  async answer<Value>(value: Value, life: Life): Promise<Value> {
    const { chance, weather } = this.#around;
    if (!life.alive) return never();
    if (chance.happens(weather.outage)) throw refused();
    return value;
  }
}
