/** A breaker as the app has it in its hand. */

import { FallbackError } from '../errors.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import { countsAgainstUpstream, type Failure } from '../failure.ts';
import { type FallbackMode, fallbackModes } from '../mode.ts';
import { checkOptions, oneOf, text } from '../option-check.ts';
import type { Breaker } from './breaker.ts';
import type { BreakerOptions } from './breaker-options.ts';
import type { BreakerStateKind, BreakerStatus } from './breaker-state.ts';

/** What happens instead of a call that was not let through, or failed by the upstream's fault. */
export type BreakerFallback = (error: unknown) => unknown;

interface BreakerParts {
  readonly breaker: Breaker;
  readonly events: Emitter<FallbackEvents>;
  readonly classify: (error: unknown) => Failure;
  readonly fallback?: BreakerFallback | undefined;
  /** Resolves when what a person decided is stored. @default at once */
  readonly stored?: () => Promise<void>;
}

/** What can be listened to. */
interface BreakerEvents {
  /** It changed its state. */
  transition: FallbackEvents['stateChange'];
}

/** One breaker: runs calls through it, tells how it is, and takes a person's decisions. */
export class BreakerHandle {
  readonly name: string;
  readonly #parts: BreakerParts;

  constructor(parts: BreakerParts) {
    this.name = parts.breaker.name;
    this.#parts = parts;
  }

  /** Whether it is not closed: then fallback is active for what is behind it. */
  get active(): boolean {
    return this.state !== 'closed';
  }

  get state(): BreakerStateKind {
    return this.#parts.breaker.state.kind;
  }

  /**
   * Runs a call, where it lets one through. What the call throws counts where it is the upstream's
   * fault; an `AbortError` does not.
   *
   * @throws {FallbackError} `FALLBACK_UNAVAILABLE` when it lets nothing through and has no fallback
   * @throws what the call threw, unless the fallback answers for it
   */
  async execute<T>(call: () => PromiseLike<T> | T): Promise<T> {
    const { breaker, classify } = this.#parts;
    const permit = breaker.admit('call');
    if (!permit) return this.#instead(this.#refused());
    let failed: Failure;
    let cause: unknown;
    try {
      const value = await call();
      permit.succeed();
      return value;
    } catch (error) {
      failed = classify(error);
      cause = error;
    }
    if (!countsAgainstUpstream(failed) || isAbort(cause)) {
      permit.release();
      throw cause;
    }
    permit.fail(failed.code);
    return this.#instead(cause);
  }

  /** How it is, computed now: it needs no traffic to tell when it would let a call through. */
  status(): BreakerStatus {
    return this.#parts.breaker.status();
  }

  /** Listens to what happens, and returns how to stop. A listener that throws hurts nobody. */
  on<Name extends keyof BreakerEvents>(
    name: Name,
    listener: (event: BreakerEvents[Name]) => void,
  ): Undo {
    checkOptions('on', { name }, { name: oneOf('transition') });
    return this.#parts.events.on('stateChange', (event) =>
      event.breaker === this.name ? listener(event) : undefined,
    );
  }

  /**
   * Changes options while it works: its state, what its calls have shown, and calls on their way stay;
   * only another kind of window begins anew. How long it is open now does not change.
   *
   * @throws {TypeError} when an option is wrong
   */
  configure(options: BreakerOptions): void {
    this.#parts.breaker.configure(options);
  }

  /**
   * Sets it apart by hand: nothing goes through until {@link restore}, whatever the upstream does.
   * Holds at once; resolves when that is stored.
   *
   * @param reason for people: console and status show it
   * @param mode what happens to operations meanwhile @default the manager's
   * @throws {TypeError} when one of them is wrong
   */
  async isolate(reason = 'by hand', mode?: FallbackMode): Promise<void> {
    checkOptions('isolate', { mode, reason }, { mode: oneOf(...fallbackModes), reason: text });
    const { breaker } = this.#parts;
    breaker.isolate(mode ?? breaker.mode, reason);
    await this.#parts.stored?.();
  }

  /** Ends that: the next call tries the upstream. False when it was not set apart. */
  async restore(): Promise<boolean> {
    const restored = this.#parts.breaker.restore();
    if (restored) await this.#parts.stored?.();
    return restored;
  }

  /** Closes it by hand, whatever it is, and forgets what its calls have shown. Its counts stay. */
  async reset(): Promise<void> {
    this.#parts.breaker.reset();
    await this.#parts.stored?.();
  }

  #refused(): FallbackError {
    const { refusal, retryAfterMs } = this.#parts.breaker;
    const message = `'${this.name}' lets no call through now: it is ${refusal.replace('_', '-')}`;
    return new FallbackError('FALLBACK_UNAVAILABLE', message, { retryAfterMs });
  }

  async #instead<T>(error: unknown): Promise<T> {
    const { fallback } = this.#parts;
    if (!fallback) throw error;
    return (await fallback(error)) as T;
  }
}

/** The caller gave up: that says nothing about the upstream. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
