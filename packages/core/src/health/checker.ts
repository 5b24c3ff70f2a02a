/** One way to see how a component is. */

import { type Check, callable, checkOptions, flag, milliseconds, text } from '../option-check.ts';

/** How a component can be; `unknown` where it could not be told. */
export const healthStatuses = ['healthy', 'degraded', 'unhealthy', 'unknown'] as const;

/** How a component is. */
export type HealthStatus = (typeof healthStatuses)[number];

// biome-ignore lint/suspicious/noConfusingVoidType: a function that only awaits is a check, too
type Answer = HealthStatus | undefined | void;

/** A check of one component of the upstream: a function of the app's own, or {@link httpCheck}. */
export interface HealthChecker {
  /** For status, metrics and logs; unique in a manager. */
  readonly name: string;
  /**
   * Whether a healthy answer proves that the upstream does its work. A liveness answer does not: it
   * may only fail. @default true
   */
  readonly proves?: boolean;
  /**
   * Whether the upstream is down when this component is. Only critical ones trip the breaker, and end
   * an outage; one that is not makes the system degraded at most. @default true
   */
  readonly critical?: boolean;
  /**
   * Name of the breaker that it speaks for, which it trips and closes again: that of some operations.
   * Unhealthy, it makes the system degraded at most. @default the manager's own
   */
  readonly breaker?: string;
  /** Whether there is anything to check with now. @default always */
  readonly applies?: () => boolean;
  /** Deadline of this check, in ms. @default `timeoutMs` of `health` */
  readonly timeoutMs?: number;
  /** A healthy answer that took longer than this, in ms, counts as degraded. @default `degradedAbove` of `health` */
  readonly degradedAbove?: number;
  /** Resolves to how it is, nothing meaning healthy; what it throws means unhealthy. */
  readonly check: (context: {
    /** Aborts at the deadline. */
    readonly signal: AbortSignal;
  }) => PromiseLike<Answer> | Answer;
}

const members: Readonly<Record<keyof HealthChecker, Check>> = {
  name: text,
  check: callable,
  proves: flag,
  critical: flag,
  breaker: text,
  applies: callable,
  timeoutMs: milliseconds(1),
  degradedAbove: milliseconds(0),
};

/**
 * Checks what the app gave as `checks` of `health`.
 *
 * @throws {TypeError} naming the check, what was expected and what came
 */
export function assertCheckers(checkers: readonly HealthChecker[]): void {
  const names = new Set<string>();
  for (const checker of checkers) {
    const { name } = checker;
    const where = `the health check '${name}'`;
    // Checkers may be of a class of the app's own: only what the kit reads is checked.
    const read = Object.keys(members).map((member) => [member, Reflect.get(checker, member)]);
    checkOptions(where, Object.fromEntries(read), members);
    if (name.startsWith('fallback.'))
      throw new TypeError(
        `Expected ${where} not to begin with \`fallback.\`: these are the kit's own`,
      );
    if (names.has(name))
      throw new TypeError(`Expected names of health checks to be unique, got '${name}' again`);
    names.add(name);
  }
}
