/** Starts OpenTelemetry in this process: the one thing that this package is for. */

import { getBooleanFromEnv, getStringFromEnv } from '@opentelemetry/core';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { flushAtActivation } from './flush-at-activation.ts';
import { flushOnExit } from './flush-on-exit.ts';
import { appInstrumentations } from './instrumentations.ts';
import { hookModules, patchBuiltins } from './module-hooks.ts';
import { resolveTelemetryOptions, type TelemetryOptions } from './options.ts';
import { sayProblems } from './problems.ts';
import { appResource } from './resource.ts';
import { hasTracerProvider, noTelemetry, type Telemetry, telemetryOf } from './telemetry.ts';
import { withVariables } from './variables.ts';

/** Two installed copies share it: the second SDK of a process would get nothing. */
const shared = Symbol.for('graphiti-fallback.telemetry.1');

/**
 * What differs from the SDK's defaults, in ms. A minute between exports of metrics leaves `rate(x[1m])`
 * empty; spans that wait for five seconds are gone when an app calls `process.exit()`.
 */
const variables = { OTEL_BSP_SCHEDULE_DELAY: '1000', OTEL_BLRP_SCHEDULE_DELAY: '1000' };
/** Likewise; the timeout has to be the shorter one, so that it goes with this interval only. */
const intervals = { OTEL_METRIC_EXPORT_INTERVAL: '15000', OTEL_METRIC_EXPORT_TIMEOUT: '10000' };

/**
 * Starts traces, metrics and logs as the `OTEL_*` variables say (OTLP to port 4318 by default), with
 * http, Express, Koa and undici instrumented. Call it before the app is loaded: frameworks that were
 * imported earlier get no spans. A second call returns what the first one started.
 *
 * @throws {TypeError} for a wrong option, in the caller's words
 */
export function startTelemetry(options: TelemetryOptions = {}): Telemetry {
  const holder = globalThis as { [shared]?: Telemetry };
  holder[shared] ??= start(options);
  return holder[shared];
}

function start(options: TelemetryOptions): Telemetry {
  const { serviceName, sdk: settings, ...more } = resolveTelemetryOptions(options);
  if (getBooleanFromEnv('OTEL_SDK_DISABLED')) return noTelemetry;
  if (hasTracerProvider()) {
    process.emitWarning('OpenTelemetry runs in this process already; it is not started again');
    return noTelemetry;
  }
  sayProblems();
  const instrumentations = appInstrumentations(more);
  hookModules(instrumentations);
  const ownInterval = getStringFromEnv('OTEL_METRIC_EXPORT_INTERVAL') !== undefined;
  const sdk = withVariables({ ...variables, ...(!ownInterval && intervals) }, () => {
    const name = serviceName === undefined ? {} : { serviceName };
    const started = new NodeSDK({
      resource: appResource(),
      ...settings,
      ...name,
      instrumentations,
    });
    started.start();
    return started;
  });
  patchBuiltins();
  const telemetry = telemetryOf(sdk);
  flushAtActivation(telemetry);
  if (more.flushOnExit) flushOnExit(telemetry);
  return telemetry;
}
