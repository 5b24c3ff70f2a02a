/** One operation from call to end: span, duration, event, and the request's record. */

import type { Breaker } from './breaker/breaker.ts';
import type { Engine } from './engine.ts';
import { isFallbackError } from './errors.ts';
import type { Failure } from './failure.ts';
import type { FallbackReason, Outcome } from './outcome.ts';
import type { Tried } from './policy/call.ts';
import { currentScope } from './scope.ts';
import type { Attempt, OperationSpan } from './telemetry/tracing.ts';

/** What an operation notes on its way. */
export class Note {
  /** Monotonic time, in ms. */
  readonly startedAt: number;
  outcome: Outcome | undefined = undefined;
  /** The caller gave up: no failure of ours. */
  rejected = false;
  reason: FallbackReason | undefined = undefined;
  cacheResult: 'hit' | 'stale' | 'miss' | undefined = undefined;
  ageMs: number | undefined = undefined;
  staleForMs: number | undefined = undefined;
  queued: string | undefined = undefined;
  upstreamError: string | undefined = undefined;
  attempts = 0;
  /** Told once there is a second try. */
  firstAttempt: Attempt | undefined = undefined;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }
}

/** What is performed, and behind which breaker. */
interface Performed {
  readonly operation: string;
  readonly kind: 'read' | 'write';
  readonly breaker: Breaker;
}

/**
 * Runs an operation's body, and tells everybody how it ended.
 *
 * @param given what the caller gets of the body's result
 */
export function perform<T, Given>(
  engine: Engine,
  performed: Performed,
  body: (note: Note) => Promise<T> | T,
  given: (result: T) => Given,
): Promise<Given> {
  engine.collector.bind();
  if (engine.life.opened) return performOpened(engine, performed, body, given);
  return engine.life.open().then(() => performOpened(engine, performed, body, given));
}

/** For callers who get the body's result as it is. */
export function same<T>(result: T): T {
  return result;
}

/** No async function: each call would pay for its promises. */
function performOpened<T, Given>(
  engine: Engine,
  performed: Performed,
  body: (note: Note) => Promise<T> | T,
  given: (result: T) => Given,
): Promise<Given> {
  const { operation, kind, breaker } = performed;
  const note = new Note(engine.clock.elapsed());
  const mode = breaker.active ? breaker.mode : 'none';
  const breakerState = breaker.state.kind;
  const span = engine.tracing.operation({ operation, kind, mode, breakerState });
  const succeeded = (result: T): Given => {
    finish(engine, performed, note, { span, outcome: note.outcome ?? 'failure' });
    return given(result);
  };
  const failed = (error: unknown): never => {
    const outcome = note.rejected ? 'rejected' : outcomeOf(engine, error);
    finish(engine, performed, note, { span, outcome, errorType: errorTypeOf(engine, error) });
    throw error;
  };
  let result: Promise<T> | T;
  try {
    result = span ? span.run(() => body(note)) : body(note);
  } catch (error) {
    result = Promise.reject(error);
  }
  return result instanceof Promise
    ? result.then(succeeded, failed)
    : Promise.resolve(succeeded(result));
}

/** How an operation ended. */
interface Finish {
  readonly span: OperationSpan | undefined;
  readonly outcome: Outcome;
  readonly errorType?: string;
}

function finish(
  { clock, events, collector, name }: Engine,
  { operation, kind, breaker }: Performed,
  note: Note,
  { span, outcome, errorType }: Finish,
): void {
  const { reason, cacheResult, ageMs, staleForMs, queued, upstreamError, attempts } = note;
  const durationMs = clock.elapsed() - note.startedAt;
  events.emit('operation', {
    operation,
    kind,
    breaker: breaker.name,
    outcome,
    durationMs,
    reason,
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

/** Notes and tells a try of an operation. */
export function noteAttempt(
  { clock, events, tracing }: Engine,
  operation: string,
  note: Note,
  number: number,
  failure: Failure | undefined,
  tried: Tried,
): void {
  note.attempts = number;
  events.emit('attempt', { operation, result: failure?.label ?? 'success' });
  if (number === 1 && !failure) return;
  const attempt = { number, startedAt: tried.triedAt, endedAt: clock.now(), failure };
  if (number === 1) note.firstAttempt = attempt;
  else {
    if (number === 2 && note.firstAttempt) tracing.attempt(note.firstAttempt);
    tracing.attempt(attempt);
  }
}

/** Whose doing an error is: the caller's own is outside every indicator. */
function outcomeOf(engine: Engine, error: unknown): 'rejected' | 'failure' {
  return engine.classify(error).fault === 'caller' ? 'rejected' : 'failure';
}

function errorTypeOf(engine: Engine, error: unknown): string {
  return isFallbackError(error) ? error.code : engine.classify(error).code;
}
