/** The tries of a half-open breaker: one at a time, in turn, and what they have shown so far. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { ResolvedBreakerOptions } from './breaker-options.ts';
import type { Permit, PermitHolder } from './permit.ts';
import { ProbeRotation, type Prober } from './probe-rotation.ts';

/** Holds the one permit of half-open; nobody can keep it for ever. */
export class HalfOpen {
  readonly #clock: Clock;
  readonly #rotation: ProbeRotation;
  #running = false;
  #successes = 0;
  #failures = 0;
  #held: Permit | undefined;
  #cancel: Undo | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#rotation = new ProbeRotation(clock, () => this.#vacant);
  }

  /** The upstream may be tried from now on. */
  begin(): void {
    this.#running = true;
    this.#successes = 0;
    this.#failures = 0;
    this.#rotation.begin();
  }

  end(): void {
    this.#running = false;
    this.#rotation.stop();
    this.#letGo();
  }

  /** Whether somebody may try now. */
  admits(by: PermitHolder): boolean {
    return this.#vacant && this.#rotation.mayTake(by);
  }

  /** One tries. A try that hangs must not hold the others up: past its time it has failed. */
  hold(permit: Permit, withinMs: number): void {
    this.#held = permit;
    this.#cancel = this.#clock.after(withinMs, () => permit.fail('half_open_timeout'));
    this.#rotation.took(permit.by);
  }

  /** The try is over. */
  release(permit: Permit): void {
    if (this.#held === permit) this.#letGo();
  }

  /** What a try has shown: that the upstream works, or does not, where that is certain now. */
  learn(
    bad: boolean,
    { successThreshold, halfOpenCalls }: ResolvedBreakerOptions,
  ): 'works' | 'fails' | undefined {
    if (bad) this.#failures += 1;
    else this.#successes += 1;
    if (this.#successes >= successThreshold) return 'works';
    return this.#failures > halfOpenCalls - successThreshold ? 'fails' : undefined;
  }

  /** It is somebody else's turn; who learnt nothing waits a little. */
  next(by: PermitHolder, succeeded: boolean): void {
    if (this.#vacant) this.#rotation.returned(by, succeeded);
  }

  /** Nobody tries, and nobody is there to try. */
  get idle(): boolean {
    return this.#vacant && !this.#rotation.anyoneWants();
  }

  addProber(by: Exclude<PermitHolder, 'call'>, prober: Prober): void {
    this.#rotation.add(by, prober);
  }

  get #vacant(): boolean {
    return this.#running && !this.#held;
  }

  #letGo(): void {
    this.#held = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
