/** A read as it is declared, with the parts that its path works with. */

import { Answers } from './answers.ts';
import type { Breaker } from './breaker/breaker.ts';
import type { Engine } from './engine.ts';
import type { ReadSpec } from './operation.ts';
import type { OperationCounts } from './telemetry/counters.ts';

/** One declared read. */
export interface DeclaredRead<Input, Value> {
  readonly engine: Engine;
  readonly name: string;
  readonly kind: 'read';
  readonly counts: OperationCounts;
  readonly spec: ReadSpec<Input, Value>;
  readonly breaker: Breaker;
  readonly answers: Answers<Input, Value>;
}

/** Answers of a read whose types are not known here. */
export type AnyAnswers = Pick<Answers<unknown, unknown>, 'name' | 'key' | 'known' | 'put'>;

/** A read by its name: what an app calls, and what is kept of it. */
export interface NamedRead {
  readonly operation: unknown;
  readonly answers: AnyAnswers;
}

/** Puts a read's parts together. */
export function declaredRead<Input, Value>(
  engine: Engine,
  name: string,
  spec: ReadSpec<Input, Value>,
): DeclaredRead<Input, Value> {
  const breaker = engine.breakers.of(name, spec.breaker);
  const counts = engine.counters.operation(name, 'read');
  const answers = new Answers(engine, name, spec);
  return { engine, name, kind: 'read', counts, spec, breaker, answers };
}
