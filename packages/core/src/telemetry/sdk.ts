/** Whether the app has an OpenTelemetry SDK. */

import * as api from '@opentelemetry/api';

/** Which signals an SDK takes now. */
export interface SdkStatus {
  readonly traces: 'sdk' | 'none';
  readonly metrics: 'sdk' | 'none';
}

/** Asks the API who is behind it. */
export function sdkStatus(): SdkStatus {
  return {
    traces: isNoop(tracerProvider()) ? 'none' : 'sdk',
    metrics: isNoop(api.metrics.getMeterProvider()) ? 'none' : 'sdk',
  };
}

/** The provider behind the API's proxy. */
function tracerProvider(): object {
  const provider = api.trace.getTracerProvider();
  return provider instanceof api.ProxyTracerProvider ? provider.getDelegate() : provider;
}

/** What the API brings itself does nothing. */
export function isNoop(provider: object): boolean {
  return provider.constructor.name.startsWith('Noop');
}
