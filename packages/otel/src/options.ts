/** What an app may say; everything else comes from the standard OTEL_* variables. */

import type { Instrumentation } from '@opentelemetry/instrumentation';
import type { NodeSDKConfiguration } from '@opentelemetry/sdk-node';

/** How telemetry is started. */
export interface TelemetryOptions {
  /** Name of the service. @default OTEL_SERVICE_NAME, else the name in the app's package.json */
  readonly serviceName?: string;
  /**
   * Where the middleware serves its status; requests for it are not traced, below any prefix.
   * @default '/health/fallback'
   */
  readonly statusPath?: string;
  /** Instrumentations besides http, Express, Koa and undici, such as the one of your database. */
  readonly instrumentations?: readonly Instrumentation[];
  /**
   * Whether to export what is left when the process ends: by itself, by SIGTERM, SIGINT or SIGHUP, or
   * by an error that nobody catches.
   * @default true
   */
  readonly flushOnExit?: boolean;
  /** More settings of NodeSDK, such as `sampler`; they win over the variables. */
  readonly sdk?: Partial<Omit<NodeSDKConfiguration, 'serviceName' | 'instrumentations'>>;
}

/** Options with their defaults. */
export type ResolvedTelemetryOptions = TelemetryOptions &
  Required<Pick<TelemetryOptions, 'statusPath' | 'instrumentations' | 'flushOnExit' | 'sdk'>>;

const defaults = {
  statusPath: '/health/fallback',
  instrumentations: [],
  flushOnExit: true,
  sdk: {},
} satisfies TelemetryOptions;

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} naming the option, what was expected and what came
 */
export function resolveTelemetryOptions(options: TelemetryOptions): ResolvedTelemetryOptions {
  const { serviceName, statusPath = defaults.statusPath } = options;
  if (serviceName !== undefined && (typeof serviceName !== 'string' || serviceName.trim() === ''))
    throw wrong('serviceName', 'a name', serviceName);
  if (typeof statusPath !== 'string' || !/^\/[^?#]*[^/?#]$/.test(statusPath))
    throw wrong('statusPath', 'a path such as /health/fallback', statusPath);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) };
}

function wrong(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`Expected \`${name}\` to be ${expected}, got ${JSON.stringify(value)}`);
}
