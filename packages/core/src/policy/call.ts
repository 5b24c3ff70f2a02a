/** One call to the upstream as planned: its tries, what it holds meanwhile, and its end. */

import * as api from '@opentelemetry/api';
import type { Breaker } from '../breaker/breaker.ts';
import type { Permit } from '../breaker/permit.ts';
import type { Clock } from '../clock.ts';
import { TimeoutError } from '../errors.ts';
import { countsAgainstUpstream, type Failure, RefusedHere } from '../failure.ts';
import type { Bulkhead } from './bulkhead.ts';
import type { Deadline } from './deadline.ts';
import type { Retry } from './retry.ts';
import { type DeadlineContext, TimedCall } from './timed-call.ts';

/** The time of a try: looked up only where it is asked for. */
export interface Tried {
  /** When it began, in wall-clock ms. */
  readonly triedAt: number;
}

/** A call was given up by its caller; `sent` tells whether the upstream may have seen it. */
export class CallAborted extends Error {
  override readonly name = 'CallAborted';
  readonly sent: boolean;

  constructor(reason: unknown, sent: boolean) {
    super('The caller gave up', { cause: reason });
    this.sent = sent;
  }
}

/** What all calls to an upstream share. */
export interface CallSurroundings {
  readonly bulkhead: Bulkhead;
  readonly retry: Retry;
  readonly clock: Clock;
  readonly classify: (error: unknown) => Failure;
}

/**
 * A call from its slot to its end. Its steps are callbacks: an async function would cost each call several
 * promises, and whoever ends it from outside has to find what it holds.
 */
export abstract class Call<T> extends TimedCall<T> implements Tried {
  protected abstract readonly breaker: Breaker;
  readonly #around: CallSurroundings;
  readonly #context = api.context.active();
  #permit: Permit | undefined;
  /** Whether it has a slot of the bulkhead. */
  #slot = false;
  /** Whether the upstream may have seen the call by now. */
  #sent = false;
  /** Whether an earlier try may have been applied. */
  #maybe = false;
  #tries = 0;
  /** When the last one began: monotonic time, in ms. */
  #began: number;
  /** The wait before it, in ms. */
  #waitedMs = 0;
  /** What the try before it threw. */
  #error: unknown = undefined;

  /**
   * @param startedAt when it began, where somebody has just looked: monotonic time, in ms
   * @param permit one that was taken before
   */
  constructor(
    around: CallSurroundings,
    deadline: Deadline,
    signal: AbortSignal | undefined,
    startedAt: number = around.clock.elapsed(),
    permit?: Permit,
  ) {
    super(deadline, signal, startedAt);
    this.#around = around;
    this.#permit = permit;
    this.#began = startedAt;
  }

  get triedAt(): number {
    const { clock } = this.#around;
    return clock.now() - (clock.elapsed() - this.#began);
  }

  /** Sends it. */
  protected abstract send(): PromiseLike<T> | T;

  /** Whether it may be tried again after a failure. */
  protected abstract retriable(failure: Failure): boolean;

  /** Told of each try's end, with its number from 1. */
  protected abstract tried(number: number, failure: Failure | undefined): void;

  /**
   * Begins, and gives the promise of what comes of it.
   *
   * @param reserved whether it goes past a full bulkhead
   */
  start(reserved = false): Promise<T> {
    const { bulkhead } = this.#around;
    if (!this.begin()) return this.answer;
    if (bulkhead.take()) {
      this.#slot = true;
      this.#first();
    } else if (reserved) this.#first();
    else this.#wait();
    return this.answer;
  }

  #wait(): void {
    const { bulkhead, clock } = this.#around;
    bulkhead.wait(this.signal).then(
      () => {
        this.#slot = true;
        this.#began = clock.elapsed();
        this.#first();
      },
      (error: unknown) => this.#give(error),
    );
  }

  #first(): void {
    this.#around.retry.begin();
    this.#try();
  }

  #try(): void {
    // It was over before it was sent.
    if (this.over) {
      this.#letGo();
      return;
    }
    const { breaker } = this;
    const permit = this.#permit ?? breaker.admit('call', this.lastsMs);
    if (!permit) {
      this.#give(this.#error ?? new RefusedHere(breaker.refusal));
      return;
    }
    this.#permit = permit;
    this.#sent = true;
    this.#tries += 1;
    this.#run().then(
      (value) => this.#succeeded(permit, value),
      (error: unknown) => this.#failed(permit, error),
    );
  }

  #run(): Promise<T> {
    try {
      return Promise.resolve(this.send());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #succeeded(permit: Permit, value: T): void {
    if (this.over) return;
    try {
      permit.succeed();
      this.tried(this.#tries, undefined);
    } finally {
      // Whatever listeners do, whoever waits is told.
      this.#letGo();
      this.resolve(value);
    }
  }

  #failed(permit: Permit, error: unknown): void {
    if (this.over) return;
    let wait: number | undefined;
    try {
      wait = this.#judge(permit, error);
    } catch {
      // Whatever goes wrong in judging it, whoever waits is told.
    }
    if (wait === undefined) this.#give(error);
    else this.#again(wait);
  }

  /** How long until it is tried again, in ms, if it is. */
  #judge(permit: Permit, error: unknown): number | undefined {
    const { retry, classify } = this.#around;
    const failure = classify(error);
    settle(permit, failure);
    this.tried(this.#tries, failure);
    this.#permit = undefined;
    this.#error = error;
    this.#maybe ||= failure.applied === 'maybe';
    if (!this.retriable(failure)) return undefined;
    const waitedMs = this.#waitedMs;
    return retry.wait({ number: this.#tries, failure, waitedMs, leftMs: this.remaining() });
  }

  #again(waitMs: number): void {
    const { clock } = this.#around;
    this.#sent = this.#maybe;
    this.#waitedMs = waitMs;
    sleep(waitMs, this.signal, clock).then(() => {
      this.#began = clock.elapsed();
      this.#try();
    });
  }

  #give(error: unknown): void {
    this.#letGo();
    this.reject(error);
  }

  /** At the deadline or at the caller's abort the try is still running: what it holds is let go here. */
  protected override cut(reason: unknown): unknown {
    const timedOut = reason instanceof TimeoutError;
    if (timedOut) reason.sent = this.#sent;
    const permit = this.#permit;
    // One that waited for a slot with its permit in hand was never tried.
    if (timedOut && permit && this.#tries > 0)
      // One timer serves the deadlines of many requests: what this one leads to belongs to its own trace.
      api.context.with(this.#context, () => {
        const failure = this.#around.classify(reason);
        settle(permit, failure);
        this.tried(this.#tries, failure);
      });
    this.#letGo();
    return timedOut ? reason : new CallAborted(reason, this.#sent);
  }

  #letGo(): void {
    this.#permit?.release();
    if (this.#slot) this.#around.bulkhead.give();
    this.#slot = false;
  }
}

/** How one call is to be made. */
export interface CallPlan<T> {
  run(context: DeadlineContext): PromiseLike<T> | T;
  readonly breaker: Breaker;
  readonly timeoutMs: number;
  /** How much of that is over already, in ms. @default 0 */
  readonly waitedMs?: number;
  readonly signal: AbortSignal | undefined;
  /** A permit that was taken before. */
  readonly permit?: Permit | undefined;
  /** Goes past a full bulkhead: the drain always keeps one slot. */
  readonly reserved?: boolean;
  /** Whether a failure may be tried again; nothing is where absent. */
  retriable?(failure: Failure): boolean;
  /** Told of each try's end, with its number from 1. */
  onAttempt?(number: number, failure: Failure | undefined, tried: Tried): void;
}

/** A call of a plan. */
export class PlannedCall<T> extends Call<T> {
  protected readonly breaker: Breaker;
  readonly #plan: CallPlan<T>;

  constructor(around: CallSurroundings, plan: CallPlan<T>, deadline: Deadline) {
    super(around, deadline, plan.signal, undefined, plan.permit);
    this.breaker = plan.breaker;
    this.#plan = plan;
  }

  protected override send(): PromiseLike<T> | T {
    return this.#plan.run(this);
  }

  protected override retriable(failure: Failure): boolean {
    return this.#plan.retriable?.(failure) ?? false;
  }

  protected override tried(number: number, failure: Failure | undefined): void {
    this.#plan.onAttempt?.(number, failure, this);
  }
}

function settle(permit: Permit, failure: Failure): void {
  if (countsAgainstUpstream(failure)) permit.fail(failure.code);
  else permit.release();
}

function sleep(ms: number, signal: AbortSignal, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    // Somebody waits for this call: a script must not end before it is told.
    const cancel = clock.after(ms, resolve, true);
    const wake = () => {
      cancel();
      resolve();
    };
    signal.addEventListener('abort', wake, { once: true });
  });
}
