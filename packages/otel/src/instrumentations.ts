/** What is instrumented: one span for each request, middleware and call. */

import { getStringListFromEnv } from '@opentelemetry/core';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { KoaInstrumentation } from '@opentelemetry/instrumentation-koa';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import type { ResolvedTelemetryOptions } from './options.ts';

/**
 * Instrumentations of http, Express, Koa and undici, and those of the app. Of ours
 * OTEL_NODE_ENABLED_INSTRUMENTATIONS and OTEL_NODE_DISABLED_INSTRUMENTATIONS choose.
 */
export function appInstrumentations({
  statusPath,
  instrumentations,
}: Pick<ResolvedTelemetryOptions, 'statusPath' | 'instrumentations'>): Instrumentation[] {
  const ours: Readonly<Record<string, () => Instrumentation>> = {
    http: () =>
      new HttpInstrumentation({
        ignoreIncomingRequestHook: ({ url = '' }) => isStatus(url, statusPath),
      }),
    express: () => new ExpressInstrumentation(),
    koa: () => new KoaInstrumentation(),
    undici: () => new UndiciInstrumentation(),
  };
  const enabled = getStringListFromEnv('OTEL_NODE_ENABLED_INSTRUMENTATIONS') ?? Object.keys(ours);
  const disabled = getStringListFromEnv('OTEL_NODE_DISABLED_INSTRUMENTATIONS') ?? [];
  return Object.entries(ours)
    .filter(([name]) => enabled.includes(name) && !disabled.includes(name))
    .map(([, create]) => create())
    .concat(instrumentations);
}

/** Whether it asks for the status, or for something below it, below any prefix. */
function isStatus(url: string, statusPath: string): boolean {
  const path = url.replace(/[?#].*$/s, '');
  return `${path}/`.includes(`${statusPath}/`);
}
