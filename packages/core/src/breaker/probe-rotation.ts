/** Whose turn it is to try a half-open upstream, so that nobody can hold the breaker for the others. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { PermitHolder } from './permit.ts';

/** One who can try the upstream by itself; real calls come when they come. */
export interface Prober {
  /** Whether there is something to try now. */
  wants(): boolean;
  /** Takes a permit and tries. */
  probe(): void;
}

/** How long a real call has the chance to come before the kit tries again by itself, in ms. */
const grace = 100;
/** How long nobody tries after a try that taught nothing, in ms; doubles each time. */
const shortestPace = 100;
const longestPace = 5_000;

/** Offers the free permit to health check, canary and real call in turn; who tried in vain waits a little. */
export class ProbeRotation {
  readonly #clock: Clock;
  readonly #isVacant: () => boolean;
  readonly #probers = new Map<PermitHolder, Prober>();
  /** Who tried in vain: not again before, and how long the wait was. */
  readonly #paced = new Map<PermitHolder, { readonly until: number; readonly ms: number }>();
  #last: PermitHolder | undefined;
  /** It was offered to those who wait, and nobody took it: now anybody may. */
  #offered = false;
  #cancel: Undo | undefined;

  constructor(clock: Clock, isVacant: () => boolean) {
    this.#clock = clock;
    this.#isVacant = isVacant;
  }

  add(by: PermitHolder, prober: Prober): void {
    this.#probers.set(by, prober);
  }

  /** The upstream may be tried from now on. */
  begin(): void {
    this.#paced.clear();
    this.#offerIn(0);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Whether it is somebody's turn: not right after a vain try, nor twice in a row past one who waits. */
  mayTake(by: PermitHolder): boolean {
    if (!this.#isDue(by)) return false;
    return by !== this.#last || this.#offered || !this.#wanting().some((other) => other !== by);
  }

  took(by: PermitHolder): void {
    this.#last = by;
    this.#offered = false;
    this.stop();
  }

  /** The permit is free again; who learnt nothing waits, twice as long each time. */
  returned(by: PermitHolder, succeeded: boolean): void {
    const ms = Math.min(longestPace, (this.#paced.get(by)?.ms ?? shortestPace / 2) * 2);
    if (succeeded) this.#paced.delete(by);
    else this.#paced.set(by, { until: this.#clock.elapsed() + ms, ms });
    this.#offerIn(by === 'call' ? 0 : grace);
  }

  anyoneWants(): boolean {
    return [...this.#probers.values()].some((prober) => prober.wants());
  }

  #offerIn(ms: number): void {
    this.stop();
    this.#cancel = this.#clock.after(ms, () => this.#offer());
  }

  #offer(): void {
    if (!this.#isVacant()) return;
    const wanting = this.#wanting();
    const next = wanting.find((by) => by !== this.#last) ?? wanting[0];
    this.#offered = true;
    if (next) this.#probers.get(next)?.probe();
    // A probe that took no permit after all must not end the offers.
    if (this.#isVacant()) this.#offerIn(this.#nextDue());
  }

  #wanting(): readonly PermitHolder[] {
    return [...this.#probers].flatMap(([by, prober]) =>
      this.#isDue(by) && prober.wants() ? [by] : [],
    );
  }

  #isDue(by: PermitHolder): boolean {
    return this.#clock.elapsed() >= (this.#paced.get(by)?.until ?? 0);
  }

  /** How long until one who waits for its pace may try, in ms. */
  #nextDue(): number {
    const now = this.#clock.elapsed();
    const waits = [...this.#paced.values()].map(({ until }) => until - now).filter((ms) => ms > 0);
    return Math.min(longestPace, ...waits);
  }
}
