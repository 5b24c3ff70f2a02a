/** One call of an operation from its begin to its end: span, counts, duration, event, and the request's record. */

import { tellAttempt } from './attempt.ts';
import type { Breaker } from './breaker/breaker.ts';
import type { Engine } from './engine.ts';
import { isFallbackError } from './errors.ts';
import type { Failure } from './failure.ts';
import type { FallbackReason, Outcome } from './outcome.ts';
import type { Tried } from './policy/call.ts';
import { currentScope } from './scope.ts';
import type { OperationCounts } from './telemetry/counters.ts';
import type { Attempt, OperationSpan } from './telemetry/tracing.ts';

/** What is called, behind which breaker, and where it is counted. */
export interface Called {
  readonly engine: Engine;
  readonly name: string;
  readonly kind: 'read' | 'write';
  readonly breaker: Breaker;
  readonly counts: OperationCounts;
}

/** What a call notes on its way; its end is told once, to everybody. */
export class OperationCall {
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
  /** Absent where nobody takes spans. */
  readonly span: OperationSpan | undefined;
  readonly #called: Called;
  /** Told once there is a second try. */
  #firstAttempt: Attempt | undefined = undefined;

  constructor(called: Called, startedAt: number, span: OperationSpan | undefined) {
    this.#called = called;
    this.startedAt = startedAt;
    this.span = span;
  }

  /** A try of the upstream is over. */
  tried(number: number, failure: Failure | undefined, tried: Tried): void {
    const { engine } = this.#called;
    const { clock, tracing } = engine;
    this.attempts = number;
    tellAttempt(engine, this.#called, failure);
    if (number === 1 && !failure) return;
    const attempt = { number, startedAt: tried.triedAt, endedAt: clock.now(), failure };
    if (number === 1) this.#firstAttempt = attempt;
    else {
      if (number === 2 && this.#firstAttempt) tracing.attempt(this.#firstAttempt);
      tracing.attempt(attempt);
    }
  }

  /** It ended as it noted. */
  succeeded(): void {
    this.#tell(this.outcome ?? 'failure', undefined);
  }

  failed(error: unknown): void {
    const { code, fault } = this.#called.engine.classify(error);
    // The caller's own doing is outside every indicator.
    const outcome = this.rejected || fault === 'caller' ? 'rejected' : 'failure';
    this.#tell(outcome, isFallbackError(error) ? error.code : code);
  }

  #tell(outcome: Outcome, errorType: string | undefined): void {
    const { counts } = this.#called;
    const { reason } = this;
    counts.outcomes[outcome].count += 1;
    if (reason) counts.fallbacks[reason].count += 1;
    if (reason === 'shed' && counts.shed) counts.shed.count += 1;
    this.#tellDuration(outcome);
    this.#tellRequest(outcome);
    this.span?.end(this, outcome, errorType);
  }

  /** The clock is asked only for those who want to know. */
  #tellDuration(outcome: Outcome): void {
    const { engine, name, kind, breaker } = this.#called;
    const { clock, events, collector } = engine;
    const heard = events.hears('operation');
    if (!heard && !collector.bound) return;
    const durationMs = clock.elapsed() - this.startedAt;
    const { reason } = this;
    if (heard)
      events.emit('operation', {
        operation: name,
        kind,
        breaker: breaker.name,
        outcome,
        durationMs,
        reason,
      });
    collector.record('operationDuration', engine.name, [name, outcome], durationMs / 1000);
  }

  #tellRequest(outcome: Outcome): void {
    const scope = currentScope();
    if (!scope) return;
    const { name, kind, breaker } = this.#called;
    const { reason, ageMs, staleForMs, queued } = this;
    scope.record({
      operation: name,
      kind,
      outcome,
      ...(reason && { reason }),
      ...(breaker.active && { mode: breaker.mode }),
      ...(ageMs !== undefined && { ageMs }),
      ...(staleForMs !== undefined && { staleForMs }),
      ...(queued && { queued }),
    });
  }
}
