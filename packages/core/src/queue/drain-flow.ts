/** The replays behind one breaker: how many at once and a second, and what they have shown. */

import type { Breaker } from '../breaker/breaker.ts';
import type { Clock } from '../clock.ts';
import { DrainRamp } from './drain-ramp.ts';
import { DrainRate } from './drain-rate.ts';
import { Evidence } from './evidence.ts';

/** An upstream may not stop the drain for longer at a time, whatever its Retry-After says, in ms. */
const longestPause = 3_600_000;

/** The place of one replay. */
export interface Place {
  /** The upstream has answered, and the outcome is being stored: another may begin. */
  answered(): void;
  /** It is over. */
  leave(): void;
}

/** What is true of one breaker's writes, and of no other's: a 429 behind one does not stop the others. */
export class DrainFlow {
  readonly breaker: Breaker;
  /** Names of the writes behind the breaker. */
  readonly operations: Set<string> = new Set();
  readonly evidence: Evidence;
  readonly ramp: DrainRamp;
  readonly rate: DrainRate;
  /** Replays that are with the upstream, and those whose outcome is being stored. */
  #running = 0;
  #storing = 0;
  readonly #clock: Clock;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #onThrottled: (ms: number) => void = () => {};

  constructor(breaker: Breaker, limit: number, clock: Clock) {
    this.breaker = breaker;
    this.#clock = clock;
    this.evidence = new Evidence(clock);
    this.ramp = new DrainRamp(limit);
    this.rate = new DrainRate(clock);
  }

  /** How long no head may be sent yet, in ms. */
  get pausedForMs(): number {
    return Math.max(0, this.#pausedUntil - this.#clock.elapsed());
  }

  /** How many replays have a place. */
  get running(): number {
    return this.#running;
  }

  /**
   * How many there is room for, with so many free slots for calls: live traffic goes first, but one always
   * may. What a kill would repeat is bounded, too: no more may wait for the disk than may be on their way.
   */
  room(freeSlots: number): number {
    if (this.pausedForMs > 0 || !this.breaker.admits('canary')) return 0;
    const { limit } = this.ramp;
    const places = Math.min(limit, Math.max(1, freeSlots)) - this.#running;
    return Math.max(0, Math.min(places, 2 * limit - this.#running - this.#storing));
  }

  /** Takes a place for one replay, which must be left. */
  enter(): Place {
    let stage: 'running' | 'storing' | 'over' = 'running';
    this.#running += 1;
    return {
      answered: () => {
        if (stage !== 'running') return;
        stage = 'storing';
        this.#running -= 1;
        this.#storing += 1;
      },
      leave: () => {
        if (stage === 'running') this.#running -= 1;
        if (stage === 'storing') this.#storing -= 1;
        stage = 'over';
      },
    };
  }

  /** No new heads for so long; a longer pause that runs already stays. Answers what is granted, in ms. */
  pause(ms: number): number {
    const granted = Math.min(ms, longestPause);
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.elapsed() + granted);
    return granted;
  }

  /** A pause that the upstream asked for. One 429 is the answer to all that were on their way with it. */
  throttled(ms: number): number {
    if (this.pausedForMs > 0) return this.pause(ms);
    this.rate.throttled();
    const granted = this.pause(ms);
    this.#onThrottled(granted);
    return granted;
  }

  /** The same, of what another instance was told. */
  throttledElsewhere(ms: number): void {
    if (this.pausedForMs === 0) this.rate.throttled();
    this.pause(ms);
  }

  /** Who hears of a pause that the upstream asked for. */
  onThrottled(listener: (ms: number) => void): void {
    this.#onThrottled = listener;
  }
}

/** One flow for each breaker that has writes behind it, and for the manager's own. */
export class DrainFlows implements Iterable<DrainFlow> {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #flows = new Map<Breaker, DrainFlow>();
  readonly #listeners: ((flow: DrainFlow) => void)[] = [];

  constructor(own: Breaker, limit: number, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
    this.of(own);
  }

  of(breaker: Breaker): DrainFlow {
    const known = this.#flows.get(breaker);
    if (known) return known;
    const flow = new DrainFlow(breaker, this.#limit, this.#clock);
    this.#flows.set(breaker, flow);
    for (const listener of this.#listeners) listener(flow);
    return flow;
  }

  find(breaker: string): DrainFlow | undefined {
    for (const flow of this) if (flow.breaker.name === breaker) return flow;
    return undefined;
  }

  /** Tells of each flow: of those that are there now, and of those that come. */
  onEach(listener: (flow: DrainFlow) => void): void {
    this.#listeners.push(listener);
    for (const flow of this) listener(flow);
  }

  [Symbol.iterator](): Iterator<DrainFlow> {
    return this.#flows.values();
  }
}
