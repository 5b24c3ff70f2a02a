/** The one state machine: closed → open → half-open → closed. */

import { CircuitState, ConsecutiveBreaker, type IBreaker } from 'cockatiel';
import { v7 as uuid } from 'uuid';
import type { Clock } from '../clock.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import { Permit, type PermitHolder } from './permit.ts';
import { ProbeRotation, type Prober } from './probe-rotation.ts';

/** What began an outage. */
export type Trigger = 'calls' | 'health' | 'restart';

/** The states a breaker can be in. */
export const breakerStates = ['closed', 'open', 'half_open'] as const;

/** A breaker's state by name. */
export type BreakerStateKind = (typeof breakerStates)[number];

/** A breaker's state; times are wall-clock ms. */
export type BreakerState =
  | { readonly kind: 'closed'; readonly since: number }
  | { readonly kind: 'open'; readonly since: number }
  | { readonly kind: 'half_open'; readonly since: number };

/** The time from a breaker's leaving closed until it closes again. */
export interface Outage {
  readonly id: string;
  readonly since: number;
  readonly trigger: Trigger;
  /** A code, never upstream text. */
  readonly reason: string;
}

/** How a breaker decides. */
export interface BreakerOptions {
  /** Failures in a row that open it. @default 5 */
  readonly failureThreshold?: number;
  /** Successes in half-open that close it. @default 2 */
  readonly successThreshold?: number;
  /** How long it stays open, in ms, give or take 10 %. @default 60,000 */
  readonly openFor?: number;
}

/** What a breaker says of itself. */
export interface BreakerStatus {
  readonly state: BreakerStateKind;
  readonly since: number;
  readonly timeInStateMs: number;
  /** How long until it would let a call through, in ms; 0 unless open. */
  readonly retryInMs: number;
  /** Half-open, with nobody there to try. */
  readonly waitingForCall: boolean;
  readonly calls: { readonly success: number; readonly failure: number; readonly refused: number };
  readonly outage: Outage | undefined;
}

interface Surroundings {
  readonly name: string;
  readonly mode: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
}

/** How long an open or half-open caller is told to wait when no better figure is known, in ms. */
const shortWait = 1_000;

/**
 * Lets calls through while closed, none while open, and one at a time while half-open.
 *
 * Which failures in a row open it is cockatiel's algorithm; the machine around it is ours, because
 * cockatiel's makes every caller wait for a hung half-open probe, counts results of calls that began
 * before a state change, and notices the end of its open time only when somebody calls.
 */
export class Breaker {
  readonly name: string;
  readonly #options: Required<BreakerOptions>;
  readonly #around: Surroundings;
  readonly #rotation: ProbeRotation;
  #algorithm: IBreaker;
  #state: BreakerState;
  #outage: Outage | undefined;
  /** Grows with each state: a result counts only for the state that its call started in. */
  #epoch = 0;
  #closings = 0;
  #closedAt = Number.NEGATIVE_INFINITY;
  /** Monotonic: the wall clock may be set back meanwhile. */
  #openUntil = 0;
  #stopped = false;
  #successes = 0;
  #held: Permit | undefined;
  #cancelWake: Undo | undefined;
  readonly #calls = { success: 0, failure: 0, refused: 0 };

  constructor(options: Required<BreakerOptions>, around: Surroundings) {
    this.name = around.name;
    this.#options = options;
    this.#around = around;
    this.#algorithm = new ConsecutiveBreaker(options.failureThreshold);
    this.#state = { kind: 'closed', since: around.clock.now() };
    this.#rotation = new ProbeRotation(around.clock, () => this.#vacant);
  }

  get state(): BreakerState {
    if (this.#state.kind === 'open' && !this.#stopped && this.#openFor <= 0) this.#halfOpen();
    return this.#state;
  }

  get active(): boolean {
    return this.#state.kind !== 'closed';
  }

  get outage(): Outage | undefined {
    return this.#outage;
  }

  /** How often it has closed: what was counted before the last time is history. */
  get closings(): number {
    return this.#closings;
  }

  /** Monotonic time of the last closing, in ms; minus infinity when it never closed after an outage. */
  get closedAt(): number {
    return this.#closedAt;
  }

  /** How long a caller had better wait, in ms. */
  get retryAfterMs(): number {
    const { state } = this;
    return state.kind === 'open' ? Math.max(1, this.#openFor) : shortWait;
  }

  /** Whether a call may go to the upstream now. Whoever gets a permit must settle it. */
  admit(by: PermitHolder): Permit | undefined {
    const { state } = this;
    if (state.kind === 'closed') return this.#permit(by);
    if (state.kind === 'half_open' && this.#vacant && this.#rotation.mayTake(by)) {
      this.#held = this.#permit(by);
      this.#rotation.took(by);
      return this.#held;
    }
    if (by === 'call') this.#calls.refused += 1;
    return undefined;
  }

  /** Whether a call would be admitted, without taking a permit. */
  admits(by: PermitHolder): boolean {
    const { state } = this;
    if (state.kind === 'closed') return true;
    return state.kind === 'half_open' && this.#vacant && this.#rotation.mayTake(by);
  }

  /** Counts a call that was turned away without asking for a permit. */
  refuse(): void {
    this.#calls.refused += 1;
  }

  /** Opens by decision of the health checks. */
  trip(reason: string): void {
    if (this.#state.kind === 'closed') this.#open('health', reason);
  }

  /** Continues after a restart: half-open, in the same outage where one is known. */
  resume(outage: Outage | undefined): void {
    if (this.#state.kind !== 'closed') return;
    const { clock } = this.#around;
    this.#activate(
      outage ?? { id: uuid(), since: clock.now(), trigger: 'restart', reason: 'restart' },
    );
    this.#halfOpen('restart');
  }

  /** Registers one who can try the upstream while it is half-open. */
  addProber(by: Exclude<PermitHolder, 'call'>, prober: Prober): void {
    this.#rotation.add(by, prober);
  }

  status(): BreakerStatus {
    const { state } = this;
    const now = this.#around.clock.now();
    return {
      state: state.kind,
      since: state.since,
      timeInStateMs: Math.max(0, now - state.since),
      retryInMs: state.kind === 'open' ? Math.max(0, this.#openFor) : 0,
      waitingForCall: state.kind === 'half_open' && !this.#held && !this.#rotation.anyoneWants(),
      calls: { ...this.#calls },
      outage: this.#outage,
    };
  }

  /** Stops its timers, and changes no more by itself. */
  close(): void {
    this.#stopped = true;
    this.#cancelWake?.();
    this.#rotation.stop();
  }

  /** How long it stays open yet, in ms. */
  get #openFor(): number {
    return this.#openUntil - this.#around.clock.elapsed();
  }

  get #vacant(): boolean {
    return this.#state.kind === 'half_open' && !this.#held;
  }

  #permit(by: PermitHolder): Permit {
    const epoch = this.#epoch;
    return new Permit((verdict, reason) => {
      if (verdict === 'success') this.#calls.success += 1;
      if (verdict === 'failure') this.#calls.failure += 1;
      if (epoch !== this.#epoch) return;
      this.#held = undefined;
      if (verdict === 'success') this.#succeeded();
      else if (verdict === 'failure') this.#failed(reason);
      if (epoch === this.#epoch && this.#vacant) this.#rotation.returned(by, verdict === 'success');
    });
  }

  #succeeded(): void {
    if (this.#state.kind === 'closed') this.#algorithm.success(CircuitState.Closed);
    else if (++this.#successes >= this.#options.successThreshold) this.#close();
  }

  #failed(reason: string): void {
    if (this.#state.kind === 'half_open') this.#open(this.#outage?.trigger ?? 'calls', reason);
    else if (this.#algorithm.failure(CircuitState.Closed)) this.#open('calls', reason);
  }

  #open(trigger: Trigger, reason: string): void {
    const { clock, random } = this.#around;
    const now = clock.now();
    if (!this.#outage) this.#activate({ id: uuid(), since: now, trigger, reason });
    const openFor = this.#options.openFor * (0.9 + 0.2 * random());
    this.#openUntil = clock.elapsed() + openFor;
    this.#enter({ kind: 'open', since: now }, reason);
    this.#wakeWhenOver();
  }

  /** A timer may be early by the clock that decides: then it is set once more. */
  #wakeWhenOver(): void {
    if (this.state.kind !== 'open' || this.#stopped) return;
    this.#cancelWake = this.#around.clock.after(Math.max(1, this.#openFor), () =>
      this.#wakeWhenOver(),
    );
  }

  #halfOpen(reason = 'open_time_over'): void {
    this.#successes = 0;
    this.#enter({ kind: 'half_open', since: this.#around.clock.now() }, reason);
    this.#rotation.begin();
  }

  #close(): void {
    const { clock, events, mode } = this.#around;
    const outage = this.#outage;
    this.#outage = undefined;
    this.#algorithm = new ConsecutiveBreaker(this.#options.failureThreshold);
    this.#closings += 1;
    this.#closedAt = clock.elapsed();
    this.#enter({ kind: 'closed', since: clock.now() }, 'recovered');
    if (!outage) return;
    const { id, since, trigger, reason } = outage;
    const lastedMs = clock.now() - since;
    events.emit('deactivated', {
      breaker: this.name,
      mode,
      trigger,
      reason,
      outage: id,
      since,
      lastedMs,
    });
  }

  #activate(outage: Outage): void {
    this.#outage = outage;
    const { id, since, trigger, reason } = outage;
    const { events, mode } = this.#around;
    events.emit('activated', { breaker: this.name, mode, trigger, reason, outage: id, since });
  }

  #enter(next: BreakerState, reason: string): void {
    const from = this.#state.kind;
    this.#cancelWake?.();
    this.#rotation.stop();
    this.#held = undefined;
    this.#epoch += 1;
    this.#state = next;
    const { clock, events } = this.#around;
    events.emit('stateChange', {
      breaker: this.name,
      from,
      to: next.kind,
      reason,
      at: clock.now(),
    });
  }
}
