/** What of a manager's steps becomes spans. */

/** How much telemetry tells. Metrics are always whole. */
export interface TelemetryOptions {
  /**
   * `keep`: the trace of an outage is there whatever a sampler takes of the rest; `sample`: it is sampled
   * as any other. @default 'keep'
   */
  readonly outages?: 'keep' | 'sample';
  /** Groups of spans that can be turned down. */
  readonly spans?: {
    /** Lookups in the cache; `attribute` says them on the operation only. @default 'span' */
    readonly cache?: 'span' | 'attribute' | 'off';
    /** Commits of the store. @default 'span' */
    readonly storage?: 'span' | 'off';
    /** Tries, once there is a second one; `attribute` says their number on the operation only. @default 'span' */
    readonly attempt?: 'span' | 'attribute' | 'off';
  };
}

/** The same with every default in place. */
export interface TelemetryLevels {
  readonly outages: 'keep' | 'sample';
  readonly spans: Required<NonNullable<TelemetryOptions['spans']>>;
}
