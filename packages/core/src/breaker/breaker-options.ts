/** How a breaker decides: its options, their defaults, and what is wrong with them. */

import { type Check, checkOptions, milliseconds, oneOf, wholeNumber } from '../option-check.ts';

/**
 * Which calls are looked at: failures in a row, the last calls, or the calls of the last while, aged by
 * the clock.
 */
export type WindowOptions =
  | { readonly kind: 'consecutive' }
  | {
      readonly kind: 'count';
      /** So many calls. @default 100 */
      readonly size?: number;
      /** It opens when more than this share of them failed, above 0 and below 1. @default 0.5 */
      readonly failureRate?: number;
      /** With fewer calls than this it does not open. @default 10, or the size */
      readonly minimumCalls?: number;
    }
  | {
      readonly kind: 'time';
      /** The calls of so many ms. @default 60,000 */
      readonly ms?: number;
      /** It opens when more than this share of them failed, above 0 and below 1. @default 0.5 */
      readonly failureRate?: number;
      /** With fewer calls than this it does not open. @default 10 */
      readonly minimumCalls?: number;
    };

/** Calls that succeed, but too late. */
export interface SlowCallOptions {
  /** Calls that took longer than this are slow, in ms. While half-open, and in a row, they count as failed. */
  readonly above: number;
  /** It opens when more than this share of a window's calls is slow, above 0 and below 1. @default 0.5 */
  readonly rate?: number;
}

/** How a breaker decides. */
export interface BreakerOptions {
  /** Failures in a row that open it, where no other window is asked for. @default 5 */
  readonly failureThreshold?: number;
  /** What is looked at besides. @default failures in a row */
  readonly window?: WindowOptions;
  /** Counts slow calls, too. @default none is too slow */
  readonly slowCall?: SlowCallOptions;
  /** Successes in half-open that close it. @default 2 */
  readonly successThreshold?: number;
  /**
   * Calls that half-open tries, one at a time: it opens again when so many have failed that the
   * `successThreshold` cannot be reached with the rest. @default the `successThreshold`
   */
  readonly halfOpenCalls?: number;
  /** A try in half-open that takes longer counts as failed, in ms, unless it has a longer deadline. @default 60,000 */
  readonly halfOpenTimeout?: number;
  /** How long it stays open, in ms, give or take 10 %. @default 60,000 */
  readonly openFor?: number;
  /**
   * Each time that it opens again it stays open so many times as long; it begins anew after it was
   * closed for as long as it was open last. @default 1
   */
  readonly openForGrowth?: number;
  /** The longest that it stays open by that, in ms. @default 600,000, or `openFor` */
  readonly longestOpenFor?: number;
}

/** A window with every default in place. */
type ResolvedWindow =
  | { readonly kind: 'consecutive' }
  | Required<Extract<WindowOptions, { kind: 'count' }>>
  | Required<Extract<WindowOptions, { kind: 'time' }>>;

/** Options with every default in place. */
export interface ResolvedBreakerOptions {
  /** What was asked for: a change begins with it, so that what follows from others follows them again. */
  readonly asked: BreakerOptions;
  readonly failureThreshold: number;
  readonly window: ResolvedWindow;
  readonly slowCall: Required<SlowCallOptions> | undefined;
  readonly successThreshold: number;
  readonly halfOpenCalls: number;
  readonly halfOpenTimeout: number;
  readonly openFor: number;
  readonly openForGrowth: number;
  readonly longestOpenFor: number;
}

const defaults = {
  failureThreshold: 5,
  window: { kind: 'consecutive' },
  successThreshold: 2,
  halfOpenTimeout: 60_000,
  openFor: 60_000,
  openForGrowth: 1,
  longestOpenFor: 600_000,
} as const satisfies BreakerOptions;
const share = 0.5;
const fewCalls = 10;
const manyCalls = 100;
const minute = 60_000;

const rate: Check = (value) =>
  typeof value === 'number' && value > 0 && value < 1 ? undefined : 'a share above 0 and below 1';
const factor: Check = (value) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 1
    ? undefined
    : 'a number, 1 or more';
const object: Check = (value) =>
  typeof value === 'object' && value !== null ? undefined : 'an object of options';

/** Members of the options, as far as each can be checked by itself. */
const checks: Readonly<Record<keyof BreakerOptions, Check>> = {
  failureThreshold: wholeNumber(1),
  window: object,
  slowCall: object,
  successThreshold: wholeNumber(1),
  halfOpenCalls: wholeNumber(1),
  halfOpenTimeout: milliseconds(1),
  openFor: milliseconds(1),
  openForGrowth: factor,
  longestOpenFor: milliseconds(1),
};

const kind = oneOf('consecutive', 'count', 'time');
const windows: Readonly<Record<WindowOptions['kind'], Readonly<Record<string, Check>>>> = {
  consecutive: { kind },
  count: { kind, size: wholeNumber(1), failureRate: rate, minimumCalls: wholeNumber(1) },
  time: { kind, ms: milliseconds(1), failureRate: rate, minimumCalls: wholeNumber(1) },
};

/** Where a breaker's options come from: they may change while it works. */
export interface OptionsSource {
  readonly current: ResolvedBreakerOptions;
  /**
   * Changes those that are given.
   *
   * @throws {TypeError} naming the option, what was expected and what came
   */
  change(options: BreakerOptions): void;
}

/** Options that change only when somebody says so. */
export function settings(options?: BreakerOptions, base?: BreakerOptions): OptionsSource {
  let current = resolveBreaker(options, base);
  return {
    get current() {
      return current;
    },
    change(changes) {
      current = resolveBreaker(changes, current.asked);
    },
  };
}

/**
 * Puts the defaults in place; what it was given stays as it is.
 *
 * @param base what holds where nothing is given, in place of the defaults
 * @throws {TypeError} naming the option, what was expected and what came
 */
export function resolveBreaker(
  options: BreakerOptions = {},
  base: BreakerOptions = {},
): ResolvedBreakerOptions {
  checkBreaker(options);
  const asked: BreakerOptions = { ...present(base), ...present(options) };
  const { window, slowCall, halfOpenCalls, ...given } = { ...defaults, ...asked };
  const { successThreshold, openFor } = given;
  return {
    ...given,
    asked,
    window: resolvedWindow(window),
    slowCall: slowCall && { rate: share, ...present(slowCall) },
    halfOpenCalls: Math.max(successThreshold, halfOpenCalls ?? 0),
    longestOpenFor: Math.max(openFor, given.longestOpenFor),
  };
}

function checkBreaker(options: BreakerOptions): void {
  checkOptions('`breaker`', options, checks);
  const { window, slowCall, halfOpenCalls, successThreshold } = options;
  if (window) {
    const { kind: given = null } = window;
    checkOptions('`window` of `breaker`', { kind: given }, { kind });
    checkOptions('`window` of `breaker`', window, windows[window.kind]);
    if (window.kind === 'count' && (window.minimumCalls ?? 1) > (window.size ?? manyCalls))
      throw new TypeError(
        `Expected \`minimumCalls\` of \`window\` to be no more than its \`size\` of ${window.size ?? manyCalls}, got ${window.minimumCalls}`,
      );
  }
  if (slowCall) {
    checkOptions('`slowCall` of `breaker`', slowCall, { above: milliseconds(0), rate });
    if (slowCall.above === undefined)
      throw new TypeError(
        'Expected `above` of `slowCall` of `breaker` to be 0 or more milliseconds, got undefined',
      );
  }
  if (halfOpenCalls !== undefined && halfOpenCalls < (successThreshold ?? 1))
    throw new TypeError(
      `Expected \`halfOpenCalls\` of \`breaker\` to be the \`successThreshold\` of ${successThreshold} or more, got ${halfOpenCalls}`,
    );
}

function resolvedWindow(window: WindowOptions): ResolvedWindow {
  if (window.kind === 'consecutive') return window;
  if (window.kind === 'time')
    return { ms: minute, failureRate: share, minimumCalls: fewCalls, ...present(window) };
  const { size = manyCalls } = window;
  const minimumCalls = Math.min(fewCalls, size);
  return { failureRate: share, minimumCalls, ...present(window), size };
}

/** A member that is given as `undefined` counts as not given. */
function present<T extends object>(given: T): T {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;
}
