/** A try of the upstream that is over, live or a replay: counted, and told to whoever wants to know. */

import type { Emitter, FallbackEvents } from './events.ts';
import type { Failure } from './failure.ts';
import type { OperationCounts } from './telemetry/counters.ts';

interface Surroundings {
  readonly events: Emitter<FallbackEvents>;
  readonly health: { suspect(): void };
}

/** Tells it, of an operation's first try or a later one. */
export function tellAttempt(
  { events, health }: Surroundings,
  { name, counts }: { readonly name: string; readonly counts: OperationCounts },
  failure: Failure | undefined,
): void {
  const result = failure?.label ?? 'success';
  counts.attempts[result].count += 1;
  if (events.hears('attempt')) events.emit('attempt', { operation: name, result });
  if (result === 'unavailable' || result === 'unknown') health.suspect();
}
