/**
 * What is used of an SDK's data. Shapes instead of its types: the check fits SDK 2 and SDK 3, and brings
 * neither along.
 */

import type { Attributes, SpanContext } from '@opentelemetry/api';

/** A span that ended. */
export interface FinishedSpan {
  readonly name: string;
  /** As the API numbers it. */
  readonly kind: number;
  readonly attributes: Attributes;
  readonly status: { readonly code: number; readonly message?: string };
  readonly events: readonly { readonly name: string }[];
  readonly links: readonly { readonly context: SpanContext; readonly attributes?: Attributes }[];
  readonly instrumentationScope: { readonly name: string };
}

/** One series of a metric at one moment; a histogram's value is an object. */
export interface DataPoint {
  readonly attributes: Attributes;
  readonly value: unknown;
}

/** A metric with its series. */
export interface CollectedMetric {
  readonly descriptor: {
    readonly name: string;
    readonly unit: string;
    readonly description: string;
  };
  /** As the SDK numbers it: histogram, exponential histogram, gauge, sum. */
  readonly dataPointType: number;
  readonly isMonotonic?: boolean;
  readonly dataPoints: readonly DataPoint[];
}

/** One collection. */
export interface CollectedMetrics {
  readonly scopeMetrics: readonly {
    readonly scope: { readonly name: string };
    readonly metrics: readonly CollectedMetric[];
  }[];
}

/** A log record. */
export interface EmittedLog {
  readonly eventName?: string | undefined;
  readonly severityText?: string | undefined;
  readonly severityNumber?: number | undefined;
  readonly body?: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly instrumentationScope: { readonly name: string };
}
