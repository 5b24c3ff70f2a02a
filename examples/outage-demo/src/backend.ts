/** The backend that a person has, such as Jaeger or a collector: what it takes, and how the app sends it there. */

/** A backend for telemetry that answers. */
export interface Backend {
  /** Name under which the app is found there. */
  readonly service: string;
  /** What the app has to be started with. */
  readonly environment: Readonly<Record<string, string>>;
}

const signals = ['traces', 'metrics', 'logs'] as const;
/** How long it may take for an answer, in ms. */
const timeout = 5_000;

/**
 * Asks the backend at `url`, an OTLP/HTTP address, which signals it takes: Jaeger has no path for metrics.
 *
 * @throws {Error} when nobody is there, or nobody who takes traces
 */
export async function backendAt(url: string, service: string): Promise<Backend> {
  const environment: Record<string, string> = {
    OTEL_SERVICE_NAME: service,
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    // Spans begin at whole milliseconds; Jaeger takes that for clocks of several hosts unless it sees that it is one.
    OTEL_RESOURCE_ATTRIBUTES: 'ip=127.0.0.1',
  };
  for (const signal of signals) {
    const taken = await takes(`${url}/v1/${signal}`);
    if (signal === 'traces' && !taken)
      throw new Error(`Expected OTLP over HTTP at ${url}, got 404 for ${url}/v1/traces`);
    environment[`OTEL_${signal.toUpperCase()}_EXPORTER`] = taken ? 'otlp' : 'none';
  }
  return { service, environment };
}

async function takes(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
      signal: AbortSignal.timeout(timeout),
    });
    return response.status !== 404;
  } catch (cause) {
    throw new Error(`Nothing answers at ${url}: start Jaeger or a collector first`, { cause });
  }
}
