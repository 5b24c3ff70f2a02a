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
    traces: isTraced() ? 'sdk' : 'none',
    metrics: isNoop(api.metrics.getMeterProvider()) ? 'none' : 'sdk',
  };
}

/** Whether somebody takes spans now. Where nobody does, a call need not describe one. */
export function isTraced(): boolean {
  const provider = tracerProvider();
  if (provider !== known) {
    known = provider;
    taken = !isNoop(provider);
  }
  return taken;
}

/** The provider that was asked last: it is asked at every call, and hardly ever another. */
let known: object | undefined;
let taken = false;

/** The provider behind the API's proxy. */
function tracerProvider(): object {
  const provider = api.trace.getTracerProvider();
  return provider instanceof api.ProxyTracerProvider ? provider.getDelegate() : provider;
}

/** What the API brings itself does nothing. */
export function isNoop(provider: object): boolean {
  return provider.constructor.name.startsWith('Noop');
}
