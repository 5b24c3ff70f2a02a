/** A breaker of one's own, with no manager around it. */

import { type Clock, systemClock } from '../clock.ts';
import { Emitter, type FallbackEvents } from '../events.ts';
import { classify, type Failure, withCode } from '../failure.ts';
import { type Check, callable, checkOptions, text, withMethods } from '../option-check.ts';
import { Breaker } from './breaker.ts';
import { type BreakerFallback, BreakerHandle } from './breaker-handle.ts';
import { type BreakerOptions, type OptionsSource, settings } from './breaker-options.ts';

/** Options of a breaker of one's own. */
export interface CircuitBreakerOptions extends BreakerOptions {
  /** For status and errors. @default 'circuit' */
  readonly name?: string;
  /** Answers instead of a call that was not let through, or that failed by the upstream's fault. @default the error is thrown */
  readonly fallback?: BreakerFallback;
  /** Reads errors that the kit cannot; `undefined` leaves one to the kit. */
  readonly classify?: (error: unknown) => Failure | undefined;
  /** Time. @default this machine's */
  readonly clock?: Clock;
  /** Numbers from 0 to 1, without 1. @default Math.random */
  readonly random?: () => number;
}

/**
 * A circuit breaker: lets calls through while closed, none while open, one at a time while half-open.
 * It keeps no process alive, and is known to nobody but who made it.
 *
 * @throws {TypeError} when an option is unknown or wrong
 */
export class CircuitBreaker extends BreakerHandle {
  constructor(options: CircuitBreakerOptions = {}) {
    const { own, decides } = split('CircuitBreaker', options);
    super(standAlone(own, settings(decides)));
  }
}

type Own = Pick<CircuitBreakerOptions, 'name' | 'fallback' | 'classify' | 'clock' | 'random'>;

const ownChecks: Readonly<Record<keyof Own, Check>> = {
  name: text,
  fallback: callable,
  classify: callable,
  clock: withMethods('a clock', 'now', 'elapsed', 'after'),
  random: callable,
};

/** What is the breaker's own, checked, and how it is to decide. */
export function split(
  where: string,
  { name, fallback, classify, clock, random, ...decides }: CircuitBreakerOptions,
): { readonly own: Own; readonly decides: BreakerOptions } {
  const own = { name, fallback, classify, clock, random };
  checkOptions(where, own, ownChecks);
  return { own: own as Own, decides };
}

/** The parts of a breaker that stands alone. */
export function standAlone(
  { name = 'circuit', fallback, classify: reads, clock = systemClock, random = Math.random }: Own,
  source: OptionsSource,
): ConstructorParameters<typeof BreakerHandle>[0] {
  const events = new Emitter<FallbackEvents>();
  const breaker = new Breaker(source, { name, mode: 'disabled', clock, random, events });
  return {
    breaker,
    events,
    fallback,
    classify: (error) => withCode(reads?.(error) ?? classify(error)),
  };
}
