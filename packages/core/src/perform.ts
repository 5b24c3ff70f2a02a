/** One operation from call to end: span, duration, event, and the request's record. */

import type { Breaker } from './breaker/breaker.ts';
import type { Engine } from './engine.ts';
import { isFallbackError } from './errors.ts';
import type { FallbackReason, Outcome } from './outcome.ts';
import type { CallPlan } from './policy/policy.ts';
import { currentScope } from './scope.ts';
import type { Attempt, OperationSpan } from './telemetry/tracing.ts';

/** What an operation notes on its way. */
export interface Note {
  outcome?: Outcome;
  /** The caller gave up: no failure of ours. */
  rejected?: boolean;
  reason?: FallbackReason;
  cacheResult?: 'hit' | 'stale' | 'miss';
  ageMs?: number;
  staleForMs?: number;
  queued?: string;
  upstreamError?: string;
  attempts: number;
  /** Told once there is a second try. */
  firstAttempt?: Attempt;
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
  performed: Performed,
  body: (note: Note) => Promise<T>,
): Promise<T> {
  engine.collector.bind();
  if (!engine.life.opened) await engine.life.open();
  const { operation, kind, breaker } = performed;
  const startedAt = engine.clock.elapsed();
  const note: Note = { attempts: 0 };
  const mode = breaker.active ? breaker.mode : 'none';
  const breakerState = breaker.state.kind;
  const span = engine.tracing.operation({ operation, kind, mode, breakerState });
  let result: T;
  try {
    result = await (span ? span.run(() => body(note)) : body(note));
  } catch (error) {
    const outcome = note.rejected ? 'rejected' : outcomeOf(engine, error);
    const errorType = errorTypeOf(engine, error);
    finish(engine, performed, { startedAt, note, span, outcome, errorType });
    throw error;
  }
  finish(engine, performed, { startedAt, note, span, outcome: note.outcome ?? 'failure' });
  return result;
}

/** How an operation ended. */
interface Finish {
  /** Monotonic time, in ms. */
  readonly startedAt: number;
  readonly note: Note;
  readonly span: OperationSpan | undefined;
  readonly outcome: Outcome;
  readonly errorType?: string;
}

function finish(
  { clock, events, collector, name }: Engine,
  { operation, kind, breaker }: Performed,
  { startedAt, note, span, outcome, errorType }: Finish,
): void {
  const { reason, cacheResult, ageMs, staleForMs, queued, upstreamError, attempts } = note;
  const durationMs = clock.elapsed() - startedAt;
  events.emit('operation', {
    operation,
    kind,
    breaker: breaker.name,
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
  collector.record('operationDuration', name, [operation, outcome], durationMs / 1000);
  span?.end({ outcome, reason, cacheResult, ageMs, upstreamError, attempts, errorType });
}

/** Notes and tells the tries of one operation. */
export function attemptsOf(
  { clock, events, tracing }: Engine,
  operation: string,
  note: Note,
): NonNullable<CallPlan<unknown>['onAttempt']> {
  return (number, failure, startedAt) => {
    note.attempts = number;
    events.emit('attempt', { operation, result: failure?.label ?? 'success' });
    if (number === 1 && !failure) return;
    const attempt = { number, startedAt, endedAt: clock.now(), failure };
    if (number === 1) note.firstAttempt = attempt;
    else {
      if (number === 2 && note.firstAttempt) tracing.attempt(note.firstAttempt);
      tracing.attempt(attempt);
    }
  };
}

/** Whose doing an error is: the caller's own is outside every indicator. */
function outcomeOf(engine: Engine, error: unknown): 'rejected' | 'failure' {
  return engine.classify(error).fault === 'caller' ? 'rejected' : 'failure';
}

function errorTypeOf(engine: Engine, error: unknown): string {
  return isFallbackError(error) ? error.code : engine.classify(error).code;
}
