/** The one state machine: closed → open → half-open → closed, and isolated by hand. */

import type { Clock } from '../clock.ts';
import { type Counsel, lone } from '../council/council.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Refusal } from '../failure.ts';
import type { FallbackMode } from '../mode.ts';
import type { BreakerOptions, OptionsSource, ResolvedBreakerOptions } from './breaker-options.ts';
import type { BreakerState, BreakerStatus, Isolation, Outage, Trigger } from './breaker-state.ts';
import { HalfOpen } from './half-open.ts';
import { OpenTime } from './open-time.ts';
import { type Beginning, type News, Outages } from './outages.ts';
import { freePermit, Permit, type PermitGiver, type PermitHolder, type Verdict } from './permit.ts';
import type { Prober } from './probe-rotation.ts';
import { createWindow, type Window } from './window.ts';

interface Surroundings {
  readonly name: string;
  /** What happens while it is not closed, unless a person says otherwise. */
  readonly mode: FallbackMode;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Emitter<FallbackEvents>;
  /** What was counted under this name before, which goes on. @default nothing */
  readonly calls?: BreakerCalls;
  /** Of other instances. @default none */
  readonly council?: Counsel;
}

/** Calls that were counted. */
export interface BreakerCalls {
  success: number;
  failure: number;
  refused: number;
}

/** How long an open or half-open caller is told to wait when no better figure is known, in ms. */
const shortWait = 1_000;

/**
 * Lets calls through while closed, none while open or isolated, and one at a time while half-open.
 *
 * Which results open it is decided by its window, with cockatiel's algorithms where they are right; the
 * machine around it is ours, because cockatiel's makes every caller wait for a hung half-open probe,
 * counts results of calls that began before a state change, and notices the end of its open time only
 * when somebody calls.
 */
export class Breaker implements PermitGiver {
  readonly name: string;
  readonly calls: BreakerCalls;
  readonly #around: Surroundings;
  readonly #council: Counsel;
  readonly #tries: HalfOpen;
  readonly #outages: Outages;
  readonly #openTime: OpenTime;
  /** Asked before each decision: options may change by themselves. */
  readonly #source: OptionsSource;
  #options: ResolvedBreakerOptions;
  #window: Window;
  #state: BreakerState;
  /** Grows with each state: a result counts only for the state that its call started in. */
  #epoch = 0;
  #closings = 0;
  #closedAt = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #cancelWake: Undo | undefined;
  /** What is still to be told. */
  readonly #news: News[] = [];

  constructor(source: OptionsSource, around: Surroundings) {
    const { name, clock, random, calls = { success: 0, failure: 0, refused: 0 } } = around;
    const { council = lone } = around;
    this.name = name;
    this.calls = calls;
    this.#source = source;
    this.#options = source.current;
    this.#around = around;
    this.#window = createWindow(this.#options, clock);
    this.#state = { kind: 'closed', since: clock.now() };
    this.#tries = new HalfOpen(clock);
    this.#council = council;
    this.#outages = new Outages({ ...around, council });
    this.#openTime = new OpenTime(clock, random);
  }

  get state(): BreakerState {
    const isDue = this.#state.kind === 'open' && !this.#stopped && this.#openTime.leftMs <= 0;
    if (isDue && this.#council.mayTry(this.name)) this.#halfOpen('open_time_over');
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
    return this.#outages.current;
  }

  /** How it was set apart by hand, while it is. */
  get isolation(): Isolation | undefined {
    if (this.#state.kind !== 'isolated') return undefined;
    const { kind: _isolated, ...isolation } = this.#state;
    return isolation;
  }

  /** How often it has closed: what was counted before the last time is history. */
  get closings(): number {
    return this.#closings;
  }

  /** How often it opened since it was last closed for long: the next time grows with it. */
  get openings(): number {
    return this.#openTime.openings;
  }

  /** Monotonic time of the last closing, in ms; minus infinity when it never closed after an outage. */
  get closedAt(): number {
    return this.#closedAt;
  }

  /** How long a caller had better wait, in ms. */
  get retryAfterMs(): number {
    const { state } = this;
    if (state.kind === 'isolated') return this.#options.openFor;
    const { leftMs } = this.#openTime;
    return state.kind === 'open' && leftMs > 0 ? Math.max(1, leftMs) : shortWait;
  }

  /**
   * Whether a call may go to the upstream now. Whoever gets a permit must settle it.
   *
   * @param withinMs the call's own deadline: half-open, nobody else is held up for longer
   */
  admit(by: PermitHolder, withinMs = 0): Permit | undefined {
    const { state } = this;
    if (state.kind === 'closed') return this.#permit(by);
    if (this.#stopped) return freePermit();
    if (state.kind === 'half_open' && this.#tries.admits(by)) {
      const permit = this.#permit(by);
      this.#tries.hold(permit, Math.max(this.#options.halfOpenTimeout, withinMs));
      return permit;
    }
    if (by === 'call') this.calls.refused += 1;
    return undefined;
  }

  /** Whether a call would be admitted, without taking a permit. */
  admits(by: PermitHolder): boolean {
    const { state } = this;
    if (state.kind === 'closed' || this.#stopped) return true;
    return state.kind === 'half_open' && this.#tries.admits(by);
  }

  /** Counts a call that was turned away without asking for a permit. */
  refuse(): void {
    this.calls.refused += 1;
  }

  /** Hears what came of a permit. */
  settle(permit: Permit, verdict: Verdict, reason: string): void {
    if (verdict !== 'neutral') this.calls[verdict] += 1;
    if (permit.epoch !== this.#epoch || this.#stopped) return;
    // Closed, nobody waits for a turn.
    const halfOpen = this.#state.kind !== 'closed';
    if (halfOpen) this.#tries.release(permit);
    if (verdict !== 'neutral') this.#learn(verdict === 'failure', this.#isSlow(permit), reason);
    if (halfOpen && permit.epoch === this.#epoch)
      this.#tries.next(permit.by, verdict === 'success');
  }

  /** Opens by decision of the health checks. */
  trip(reason: string): void {
    if (this.#state.kind === 'closed') this.#open('health', reason);
  }

  /** Opens with other instances, who have found an outage. */
  follow(outage: Outage): void {
    if (this.#state.kind !== 'closed') return;
    this.#adapt();
    this.#openTime.begin(this.#options);
    const theirs = { ...outage, joined: true as const };
    this.#enter({ kind: 'open', since: this.#around.clock.now() }, 'fleet', theirs);
    this.#wakeWhenOver();
  }

  /** Tries the upstream where that is its turn, and else leaves it to who does. */
  takeTurn(): void {
    if (this.state.kind !== 'half_open' || this.#council.mayTry(this.name)) return;
    this.#enter({ kind: 'open', since: this.#around.clock.now() }, 'fleet');
    this.#wakeWhenOver();
  }

  /** Closes with other instances, one of whom has found that the upstream works. */
  recoverWithOthers(): void {
    const { kind } = this.#state;
    if (kind === 'open' || kind === 'half_open') this.#close('fleet');
  }

  /** Sets it apart by hand: nothing goes through until {@link restore}, whatever the upstream does. */
  isolate(mode: FallbackMode, reason: string, all = false): void {
    const since = this.#around.clock.now();
    const together = all ? { all: true as const } : {};
    const next: BreakerState = { kind: 'isolated', since, mode, reason, ...together };
    // Isolated already: another mode is no transition.
    if (this.#state.kind === 'isolated') this.#state = { ...next, since: this.#state.since };
    else this.#enter(next, 'manual', { since, trigger: 'manual', reason: 'manual' });
  }

  /** Ends the isolation: half-open, in the same outage. False when it was not isolated. */
  restore(): boolean {
    if (this.#state.kind !== 'isolated') return false;
    this.#halfOpen('manual');
    return true;
  }

  /** Closes it by hand, and forgets what its calls have shown; what they counted stays. */
  reset(): void {
    this.#openTime.forget();
    if (this.#state.kind === 'closed')
      this.#window = createWindow(this.#options, this.#around.clock);
    else this.#close('reset');
  }

  /** Decides by other options from now on: state, results so far and calls on their way stay. */
  configure(options: BreakerOptions): void {
    this.#source.change(options);
    this.#adapt();
  }

  /** Continues after a restart: isolated as it was, else half-open, in the same outage where one is known. */
  resume(outage: Outage | undefined, isolation?: Isolation, openings = 0): void {
    const { kind } = this.#state;
    if (kind === 'closed') this.#openTime.openings = openings;
    // A person's decision wins over what calls have shown meanwhile.
    if (isolation && kind !== 'isolated') {
      const { since } = isolation;
      const known = outage ?? { since, trigger: 'manual' as const, reason: 'manual' };
      this.#enter({ kind: 'isolated', ...isolation }, 'restart', known);
    } else if (kind === 'closed') {
      const since = this.#around.clock.now();
      this.#halfOpen('restart', outage ?? { since, trigger: 'restart', reason: 'restart' });
    }
  }

  /** Registers one who can try the upstream while it is half-open. */
  addProber(by: Exclude<PermitHolder, 'call'>, prober: Prober): void {
    this.#tries.addProber(by, prober);
  }

  status(): BreakerStatus {
    const { state } = this;
    this.#adapt();
    const now = this.#around.clock.now();
    const { failureRate, slowRate } = this.#window.rates();
    return {
      state: state.kind,
      since: state.since,
      timeInStateMs: Math.max(0, now - state.since),
      retryInMs: state.kind === 'open' ? Math.max(0, Math.ceil(this.#openTime.leftMs)) : 0,
      waitingForCall: this.#tries.idle,
      calls: { ...this.calls },
      failureRate,
      ...(this.#options.slowCall && { slowRate }),
      outage: this.outage,
      ...(this.isolation && { isolation: this.isolation }),
    };
  }

  /** Stops its timers, and changes no more by itself: whatever comes now goes through. */
  close(): void {
    this.#stopped = true;
    this.#cancelWake?.();
    this.#tries.end();
  }

  #permit(by: PermitHolder): Permit {
    const { slowCall } = this.#options;
    const since = slowCall && this.#around.clock.elapsed();
    return new Permit(this, by, this.#epoch, since);
  }

  #isSlow({ since }: Permit): boolean {
    const { slowCall } = this.#options;
    if (!slowCall || since === undefined) return false;
    return this.#around.clock.elapsed() - since > slowCall.above;
  }

  #learn(failed: boolean, slow: boolean, code: string): void {
    const bad = failed || slow;
    if (bad) this.#adapt();
    const reason = failed ? code : 'slow_calls';
    if (this.#state.kind === 'closed') {
      if (this.#window.add(failed, slow)) this.#open('calls', reason);
      return;
    }
    const shown = this.#tries.learn(bad, this.#options);
    if (shown === 'works') this.#close('recovered');
    else if (shown === 'fails') this.#open(this.outage?.trigger ?? 'calls', reason);
  }

  #adapt(): void {
    const options = this.#source.current;
    if (options === this.#options) return;
    this.#options = options;
    this.#window = createWindow(options, this.#around.clock, this.#window);
  }

  #open(trigger: Trigger, reason: string): void {
    this.#adapt();
    this.#openTime.begin(this.#options);
    const since = this.#around.clock.now();
    this.#enter({ kind: 'open', since }, reason, { since, trigger, reason });
    this.#wakeWhenOver();
  }

  /** A timer may be early by the clock that decides: then it is set once more. */
  #wakeWhenOver(): void {
    if (this.state.kind !== 'open' || this.#stopped) return;
    const { leftMs } = this.#openTime;
    // Another instance tries: whose turn it is then is told.
    const wait = leftMs > 0 ? Math.max(1, leftMs) : shortWait;
    this.#cancelWake?.();
    this.#cancelWake = this.#around.clock.after(wait, () => this.#wakeWhenOver());
  }

  #halfOpen(reason: string, outage?: Beginning): void {
    this.#enter({ kind: 'half_open', since: this.#around.clock.now() }, reason, outage);
  }

  #close(reason: string): void {
    const { clock } = this.#around;
    const over = this.#outages.end(this.mode);
    this.#window = createWindow(this.#options, clock);
    this.#openTime.closed();
    this.#closings += 1;
    this.#closedAt = clock.elapsed();
    this.#enter({ kind: 'closed', since: clock.now() }, reason, undefined, over);
  }

  /** All is as it will be before anybody hears of it. */
  #enter(next: BreakerState, reason: string, begins?: Beginning, over = nothing): void {
    const { kind: from } = this.#state;
    this.#cancelWake?.();
    this.#tries.end();
    this.#epoch += 1;
    this.#state = next;
    if (next.kind === 'half_open') this.#tries.begin();
    const { clock, events } = this.#around;
    const event = { breaker: this.name, from, to: next.kind, reason, at: clock.now() };
    const begun = begins ? this.#outages.begin(begins, this.mode) : nothing;
    this.#tell(begun, () => events.emit('stateChange', event), over);
  }

  /** One who hears of a change may change it again: the others hear of both, in order. */
  #tell(...news: readonly News[]): void {
    const telling = this.#news.length > 0;
    this.#news.push(...news);
    if (!telling) this.#tellOn();
  }

  #tellOn(): void {
    for (let next = this.#news[0]; next; next = this.#news[0]) {
      const later = next();
      if (later) {
        void later.then(() => {
          this.#news.shift();
          this.#tellOn();
        });
        return;
      }
      this.#news.shift();
    }
  }
}

const nothing: News = () => {};
