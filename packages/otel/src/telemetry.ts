/** Telemetry that runs: what its owner can do with it. */

import * as api from '@opentelemetry/api';
import type { NodeSDK } from '@opentelemetry/sdk-node';

/** What `startTelemetry()` returns. */
export interface Telemetry {
  /**
   * Whether this started it: not with OTEL_SDK_DISABLED, nor where the app had an SDK already, which
   * then goes on alone.
   */
  readonly running: boolean;
  /** Exports now what was recorded. Never rejects: a backend that is down costs data, not the app. */
  flush(): Promise<void>;
  /** Exports what is left and ends telemetry; for an app that calls `process.exit()`. Never rejects. */
  shutdown(): Promise<void>;
}

/** Telemetry that somebody else has, or nobody. */
export const noTelemetry: Telemetry = {
  running: false,
  flush: async () => {},
  shutdown: async () => {},
};

/** An SDK that was started, as its owner sees it. */
export function telemetryOf(sdk: NodeSDK): Telemetry {
  let ended: Promise<void> | undefined;
  const flush = async () => {
    await Promise.allSettled(providers().map((provider) => provider.forceFlush?.()));
  };
  return {
    running: true,
    flush: () => ended ?? flush(),
    shutdown() {
      ended ??= sdk.shutdown().catch(() => {});
      return ended;
    },
  };
}

/** Whether the app has something that takes its spans. */
export function hasTracerProvider(): boolean {
  return tracerProvider() !== new api.ProxyTracerProvider().getDelegate();
}

/** The API's own providers have nothing to flush, and no method for it. */
interface Provider {
  readonly forceFlush?: () => Promise<void>;
}

function providers(): Provider[] {
  const { metrics, logs } = api;
  return [tracerProvider(), metrics.getMeterProvider(), logs.getLoggerProvider()] as Provider[];
}

function tracerProvider(): api.TracerProvider {
  const provider = api.trace.getTracerProvider();
  return provider instanceof api.ProxyTracerProvider ? provider.getDelegate() : provider;
}
