/** One operation from call to end: span, duration, event, and the request's record. */

import type { Engine } from './engine.ts';
import { isFallbackError } from './errors.ts';
import type { FallbackReason, Outcome } from './outcome.ts';
import { currentScope } from './scope.ts';

/** What an operation notes on its way. */
export interface Note {
  outcome?: Outcome;
  reason?: FallbackReason;
  ageMs?: number;
  staleForMs?: number;
  queued?: string;
  upstreamError?: string;
  attempts: number;
}

/** Runs an operation's body, and tells everybody how it ended. */
export async function perform<T>(
  engine: Engine,
  operation: string,
  kind: 'read' | 'write',
  body: (note: Note) => Promise<T>,
): Promise<T> {
  engine.collector.bind();
  if (!engine.opened) await engine.open();
  const { clock, breaker, mode, tracing } = engine;
  const started = clock.elapsed();
  const note: Note = { attempts: 0 };
  const start = {
    operation,
    kind,
    mode: breaker.active ? mode : 'none',
    breakerState: breaker.state.kind,
  };
  return tracing.operation(start, async (end) => {
    try {
      const result = await body(note);
      finish(note.outcome ?? 'failure');
      return result;
    } catch (error) {
      finish(note.outcome ?? outcomeOf(engine, error), errorTypeOf(engine, error));
      throw error;
    }

    function finish(outcome: Outcome, errorType?: string): void {
      const { reason, ageMs, staleForMs, queued, upstreamError, attempts } = note;
      const durationMs = clock.elapsed() - started;
      end({ outcome, reason, ageMs, upstreamError, attempts, errorType });
      engine.events.emit('operation', {
        operation,
        kind,
        outcome,
        durationMs,
        ...(reason && { reason }),
      });
      engine.collector.record(
        'operationDuration',
        engine.name,
        [operation, outcome],
        durationMs / 1000,
      );
      currentScope()?.record({
        operation,
        kind,
        outcome,
        ...(reason && { reason }),
        ...(ageMs !== undefined && { ageMs }),
        ...(staleForMs !== undefined && { staleForMs }),
        ...(queued && { queued }),
      });
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
