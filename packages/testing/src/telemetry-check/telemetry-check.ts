/** Holds all that the kit emits in a test against its contract. */

import { AssertionError } from 'node:assert';
import {
  type LogEventKey,
  type MetricKey,
  type SpanKey,
  scope,
} from '@graphiti-fallback/core/telemetry';
import { logEventKey, logProblems } from './log-check.ts';
import { MetricCheck } from './metric-check.ts';
import type { CollectedMetrics, EmittedLog, FinishedSpan } from './sdk-shapes.ts';
import { spanKey, spanProblems } from './span-check.ts';

/** What the kit emitted, by the contract's keys. */
export interface EmittedNames {
  readonly spans: readonly SpanKey[];
  readonly metrics: readonly MetricKey[];
  readonly logEvents: readonly LogEventKey[];
}

/** A check that listens to an SDK, of version 2 or 3. Give it what it has, as far as you have the signal. */
export interface TelemetryCheck {
  /** A span processor. */
  readonly spanProcessor: {
    onStart(): void;
    onEnd(span: FinishedSpan): void;
    forceFlush(): Promise<void>;
    shutdown(): Promise<void>;
  };
  /** A metric exporter, for a `PeriodicExportingMetricReader`; flush that before you ask. */
  readonly metricExporter: {
    export(metrics: CollectedMetrics, done: (result: { code: number }) => void): void;
    /** Cumulative, as Prometheus sees it. */
    selectAggregationTemporality(): number;
    forceFlush(): Promise<void>;
    shutdown(): Promise<void>;
  };
  /** A log record processor. */
  readonly logRecordProcessor: {
    onEmit(log: EmittedLog): void;
    forceFlush(): Promise<void>;
    shutdown(): Promise<void>;
  };
  /** Everything that was not as the contract says, each once. */
  readonly problems: readonly string[];
  /** What was emitted. */
  readonly emitted: EmittedNames;
  /** @throws {AssertionError} naming every problem */
  assert(): void;
}

const cumulative = 1;

/**
 * Creates a check. It looks at what the kit itself emits, and at nothing else: unknown and missing names
 * and attributes, types, units, buckets and values, unbounded attributes, series that disappear or are
 * born above 0, and values that look like a payload.
 *
 * @param secrets texts that must not be in anything: what a test sends as payload, key or credential
 */
export function telemetryCheck({
  secrets = [],
}: {
  secrets?: readonly string[];
} = {}): TelemetryCheck {
  const problems = new Set<string>();
  const spans = new Set<SpanKey>();
  const logEvents = new Set<LogEventKey>();
  const metricCheck = new MetricCheck();
  const add = (found: readonly string[]) => {
    for (const problem of found) problems.add(problem);
  };
  const search = (where: string, data: unknown) => {
    if (secrets.length === 0) return;
    const text = JSON.stringify(data);
    add(
      secrets
        .filter((secret) => text.includes(secret))
        .map((secret) => `${where} holds '${secret}'`),
    );
  };
  const nothing = async () => {};

  return {
    spanProcessor: {
      onStart() {},
      onEnd(span) {
        if (span.instrumentationScope.name !== scope.name) return;
        const { name, attributes, events, links, status } = span;
        search(`span '${name}'`, [name, attributes, events, links, status]);
        const key = spanKey(span);
        if (key) spans.add(key);
        add(spanProblems(span));
      },
      forceFlush: nothing,
      shutdown: nothing,
    },
    metricExporter: {
      export(metrics, done) {
        search(
          'a metric',
          metrics.scopeMetrics.filter((each) => each.scope.name === scope.name),
        );
        metricCheck.take(metrics, scope.name);
        done({ code: 0 });
      },
      selectAggregationTemporality: () => cumulative,
      forceFlush: nothing,
      shutdown: nothing,
    },
    logRecordProcessor: {
      onEmit(log) {
        if (log.instrumentationScope.name !== scope.name) return;
        const { eventName, body, attributes } = log;
        search(`log event '${eventName}'`, [eventName, body, attributes]);
        const key = logEventKey(log);
        if (key) logEvents.add(key);
        add(logProblems(log));
      },
      forceFlush: nothing,
      shutdown: nothing,
    },
    get problems() {
      return [...problems, ...metricCheck.problems];
    },
    get emitted() {
      return { spans: [...spans], metrics: metricCheck.seen, logEvents: [...logEvents] };
    },
    assert() {
      const found = this.problems;
      if (found.length === 0) return;
      throw new AssertionError({
        message: `What was emitted is not as the contract says:\n${found.map((each) => `- ${each}`).join('\n')}`,
        actual: found,
        expected: [],
        operator: 'deepStrictEqual',
      });
    },
  };
}
