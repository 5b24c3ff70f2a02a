/** One operation from call to end: span, duration, event, and the request's record. */

import type { Breaker } from './breaker/breaker.ts';
import type { Engine } from './engine.ts';
import { isFallbackError } from './errors.ts';
import type { FallbackReason, Outcome } from './outcome.ts';
import { currentScope } from './scope.ts';

/** What an operation notes on its way. */
export interface Note {
  outcome?: Outcome;
  /** The caller gave up: no failure of ours. */
  rejected?: boolean;
  reason?: FallbackReason;
  ageMs?: number;
  staleForMs?: number;
  queued?: string;
  upstreamError?: string;
  attempts: number;
}

/** What is performed, and behind which breaker. */
interface Performed {
  readonly operation: string;
  readonly kind: 'read' | 'write';
  readonly breaker: Breaker;
}

/** Runs an operation's body, and tells everybody how it ended. */
export async function perform<T>(
  engine: Engine,
  { operation, kind, breaker }: Performed,
  body: (note: Note) => Promise<T>,
): Promise<T> {
  engine.collector.bind();
  if (!engine.life.opened) await engine.life.open();
  const { clock, tracing } = engine;
  const started = clock.elapsed();
  const note: Note = { attempts: 0 };
  const start = {
    operation,
    kind,
    mode: breaker.active ? breaker.mode : 'none',
    breakerState: breaker.state.kind,
  };
  return tracing.operation(start, async (end) => {
    let result: T;
    try {
      result = await body(note);
    } catch (error) {
      finish(note.rejected ? 'rejected' : outcomeOf(engine, error), errorTypeOf(engine, error));
      throw error;
    }
    finish(note.outcome ?? 'failure');
    return result;

    function finish(outcome: Outcome, errorType?: string): void {
      const { reason, ageMs, staleForMs, queued, upstreamError, attempts } = note;
      const durationMs = clock.elapsed() - started;
      engine.events.emit('operation', {
        operation,
        kind,
        outcome,
        durationMs,
        ...(reason && { reason }),
      });
      currentScope()?.record({
        operation,
        kind,
        outcome,
        ...(reason && { reason }),
        ...(breaker.active && { mode: breaker.mode }),
        ...(ageMs !== undefined && { ageMs }),
        ...(staleForMs !== undefined && { staleForMs }),
        ...(queued && { queued }),
      });
      // What the SDK throws must not turn an applied write into a failed one.
      try {
        engine.collector.record(
          'operationDuration',
          engine.name,
          [operation, outcome],
          durationMs / 1000,
        );
        end({ outcome, reason, ageMs, upstreamError, attempts, errorType });
      } catch (error) {
        engine.events.emit('warning', { message: `Telemetry failed: ${String(error)}` });
      }
    }
  });
}

/** Whose doing an error is: the caller's own is outside every indicator. */
function outcomeOf(engine: Engine, error: unknown): 'rejected' | 'failure' {
  return engine.classify(error).fault === 'caller' ? 'rejected' : 'failure';
}

function errorTypeOf(engine: Engine, error: unknown): string {
  return isFallbackError(error) ? error.code : engine.classify(error).code;
}
