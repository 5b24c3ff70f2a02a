/** What an app would write by hand: one span and one histogram record around a function. */

import { type Attributes, metrics, trace } from '@opentelemetry/api';

/** Calls with the same telemetry that the kit has for an operation; to be made after the SDK's start. */
export function traced<T>(outcome: 'live' | 'cache', call: (input: string) => T) {
  const tracer = trace.getTracer('bench');
  const duration = metrics
    .getMeter('bench')
    .createHistogram('bench.operation.duration', { unit: 's' });
  const name = 'bench.read';

  return (input: string) => {
    const started = performance.now();
    const attributes: Attributes = {
      'graphiti_fallback.name': 'bench',
      'graphiti_fallback.operation.name': name,
      'graphiti_fallback.operation.kind': 'read',
      'graphiti_fallback.mode': 'none',
      'graphiti_fallback.breaker.state': 'closed',
    };
    return tracer.startActiveSpan(name, { attributes }, async (span) => {
      const value = await call(input);
      duration.record((performance.now() - started) / 1000, {
        'graphiti_fallback.name': 'bench',
        'graphiti_fallback.operation.name': name,
        'graphiti_fallback.outcome': outcome,
      });
      span.setAttributes({
        'graphiti_fallback.outcome': outcome,
        'graphiti_fallback.fallback.used': false,
        'graphiti_fallback.attempts': 1,
      });
      span.end();
      return value;
    });
  };
}
