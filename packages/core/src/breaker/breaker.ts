/** The one state machine: closed → open → half-open → closed, and isolated by hand. */

import { CircuitState, ConsecutiveBreaker, type IBreaker } from 'cockatiel';
import { v7 as uuid } from 'uuid';
import type { Clock } from '../clock.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Refusal } from '../failure.ts';
import type { FallbackMode } from '../mode.ts';
import type { BreakerState, BreakerStatus, Isolation, Outage, Trigger } from './breaker-state.ts';
import { Permit, type PermitHolder } from './permit.ts';
import { ProbeRotation, type Prober } from './probe-rotation.ts';

/** How a breaker decides. */
export interface BreakerOptions {
  /** Failures in a row that open it. @default 5 */
  readonly failureThreshold?: number;
  /** Successes in half-open that close it. @default 2 */
  readonly successThreshold?: number;
  /** How long it stays open, in ms, give or take 10 %. @default 60,000 */
  readonly openFor?: number;
}

interface Surroundings {
  readonly name: string;
  /** What happens while it is not closed, unless a person says otherwise. */
  readonly mode: FallbackMode;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
}

/** How long an open or half-open caller is told to wait when no better figure is known, in ms. */
const shortWait = 1_000;

/**
 * Lets calls through while closed, none while open or isolated, and one at a time while half-open.
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

  /** Why it would turn a call away. */
  get refusal(): Refusal {
    const { kind } = this.state;
    return kind === 'closed' ? 'open' : kind;
  }

  /** What happens to operations while it is not closed: as configured, or as a person said. */
  get mode(): FallbackMode {
    return this.#state.kind === 'isolated' ? this.#state.mode : this.#around.mode;
  }

  get outage(): Outage | undefined {
    return this.#outage;
  }

  /** How it was set apart by hand, while it is. */
  get isolation(): Isolation | undefined {
    if (this.#state.kind !== 'isolated') return undefined;
    const { since, mode, reason } = this.#state;
    return { since, mode, reason };
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
    if (state.kind === 'isolated') return this.#options.openFor;
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

  /** Sets it apart by hand: nothing goes through until {@link restore}, whatever the upstream does. */
  isolate(mode: FallbackMode, reason: string): void {
    const since = this.#around.clock.now();
    const next: BreakerState = { kind: 'isolated', since, mode, reason };
    // Isolated already: another mode is no transition.
    if (this.#state.kind === 'isolated') this.#state = { ...next, since: this.#state.since };
    else this.#isolate(next, 'manual');
  }

  /** Ends the isolation: half-open, in the same outage. False when it was not isolated. */
  restore(): boolean {
    if (this.#state.kind !== 'isolated') return false;
    this.#halfOpen('manual');
    return true;
  }

  /** Continues after a restart: isolated as it was, else half-open, in the same outage where one is known. */
  resume(outage: Outage | undefined, isolation?: Isolation): void {
    // A person's decision wins over what calls have shown meanwhile.
    if (isolation && this.active && this.#state.kind !== 'isolated')
      this.#isolate({ kind: 'isolated', ...isolation }, 'restart');
    if (this.#state.kind !== 'closed') return;
    const { clock } = this.#around;
    const known = outage ?? {
      id: uuid(),
      since: clock.now(),
      trigger: 'restart',
      reason: 'restart',
    };
    if (isolation) this.#isolate({ kind: 'isolated', ...isolation }, 'restart', known);
    else {
      this.#activate(known);
      this.#halfOpen('restart');
    }
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
      ...(this.isolation && { isolation: this.isolation }),
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

  /** Entered before the outage is told: whoever hears of it is to see the mode that holds. */
  #isolate(next: BreakerState, reason: string, known?: Outage): void {
    const { kind: from } = this.#state;
    const begins = { id: uuid(), since: next.since, trigger: 'manual', reason: 'manual' } as const;
    this.#state = next;
    if (!this.#outage) this.#activate(known ?? begins);
    this.#enter(next, reason, from);
  }

  #halfOpen(reason = 'open_time_over'): void {
    this.#successes = 0;
    this.#enter({ kind: 'half_open', since: this.#around.clock.now() }, reason);
    this.#rotation.begin();
  }

  #close(): void {
    const { clock, events } = this.#around;
    const { mode } = this;
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
    const { events } = this.#around;
    const { mode } = this;
    events.emit('activated', { breaker: this.name, mode, trigger, reason, outage: id, since });
  }

  #enter(next: BreakerState, reason: string, from = this.#state.kind): void {
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
