/** One way to see how a component is. */

/** How a component can be; `unknown` where it could not be told. */
export const healthStatuses = ['healthy', 'degraded', 'unhealthy', 'unknown'] as const;

/** How a component is. */
export type HealthStatus = (typeof healthStatuses)[number];

/** A check of one component of the upstream. */
export interface HealthChecker {
  readonly name: string;
  /**
   * Whether a healthy answer proves that the upstream does its work. A liveness answer does not: it
   * may only fail. @default true
   */
  readonly proves?: boolean;
  /** Whether there is anything to check with now. @default always */
  readonly applies?: () => boolean;
  /** Resolves to how it is, nothing meaning healthy; what it throws means unhealthy. */
  readonly check: (context: {
    readonly signal: AbortSignal;
  }) => PromiseLike<HealthStatus | undefined> | HealthStatus | undefined;
}
