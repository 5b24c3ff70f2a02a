/** A write as it is declared, with every default in place: what the write path and the drain share. */

import type { Engine } from './engine.ts';
import { type Json, notJson } from './json.ts';
import type { ReconcileContext, Reconciliation, WriteContext, WriteSpec } from './operation.ts';
import type { Coalescing } from './queue/coalescing.ts';
import { type DeclaredConfirmation, declaredConfirmation } from './queue/confirmation.ts';
import type { DrainFlow } from './queue/drain-flow.ts';
import type { OperationRecord } from './queue/operation-record.ts';
import type { OperationCounts } from './telemetry/counters.ts';

/** How one write is sent, looked for and repeated. */
export interface DeclaredWrite {
  readonly name: string;
  readonly counts: OperationCounts;
  /** Its breaker, and how what is behind that is replayed. */
  readonly flow: DrainFlow;
  readonly idempotent: boolean;
  readonly replayable: boolean;
  /** Whether it can be sent now. */
  readonly available: () => boolean;
  readonly effect: 'create' | 'update' | 'delete';
  readonly coalescing: Coalescing | undefined;
  readonly timeoutMs: number;
  readonly reconcileFor: number;
  readonly confirm: DeclaredConfirmation<Json> | undefined;
  readonly reconcile?: (
    input: Json,
    context: ReconcileContext,
  ) => PromiseLike<Reconciliation> | Reconciliation;
  run(input: Json, context: WriteContext): PromiseLike<unknown> | unknown;
  /**
   * The upstream has it: cached answers that it concerns are not what they were. Where other instances
   * cannot be told it resolves when that is kept for later.
   */
  applied(record: Pick<OperationRecord, 'entity'>): Promise<void> | undefined;
}

/** How long after sending an absent write may still be on its way, in ms. */
const reconcileFor = 120_000;

/** Puts the defaults of a write's declaration in place. */
export function declaredWrite<Input, Value>(
  engine: Engine,
  name: string,
  spec: WriteSpec<Input, Value>,
): DeclaredWrite {
  const effect = spec.effect ?? 'update';
  const confirm = spec.confirm && declaredConfirmation(spec.confirm);
  const reconcile = spec.reconcile ?? (confirm && reconcileBy(confirm));
  const flow = engine.flows.of(engine.breakers.of(name, spec.breaker));
  flow.operations.add(name);
  return {
    name,
    counts: engine.counters.operation(name, 'write'),
    flow,
    idempotent: spec.idempotent ?? false,
    replayable: spec.replayable ?? true,
    available: spec.available ?? (() => true),
    effect,
    coalescing: coalescingOf(engine, name, effect, spec),
    timeoutMs: spec.timeoutMs ?? engine.defaults.writeTimeoutMs,
    reconcileFor: spec.reconcileFor ?? reconcileFor,
    confirm: confirm as DeclaredConfirmation<Json> | undefined,
    ...(reconcile && {
      reconcile: (input: Json, context: ReconcileContext) => reconcile(input as Input, context),
    }),
    run: (input, context) => spec.run(input as Input, context),
    applied({ entity }) {
      if (!entity) return undefined;
      engine.queue.changed(entity);
      if (effect === 'delete') {
        engine.cache.remove(entity);
        engine.entities.gone(entity);
      } else engine.cache.expire(entity);
      return engine.exchange.kept();
    },
  };
}

/** Whoever can look for what was acknowledged can look for what may have been. */
function reconcileBy<Input>({ applies, look }: DeclaredConfirmation<Input>) {
  return async (input: Input, { signal, idempotencyKey, sentAt }: ReconcileContext) => {
    if (!applies(input)) return 'absent';
    const write = { id: idempotencyKey, input, acceptedAt: sentAt };
    const [seen] = await look([write], { signal });
    return seen === undefined ? 'absent' : 'applied';
  };
}

function coalescingOf<Input, Value>(
  { events }: Engine,
  name: string,
  effect: Coalescing['effect'],
  { coalesce }: WriteSpec<Input, Value>,
): Coalescing | undefined {
  if (!coalesce) return undefined;
  if (coalesce === true) return { effect, merge: undefined };
  const merge = (earlier: Json, later: Json) => {
    try {
      const input: unknown = coalesce(earlier, later as Input);
      const wrong = notJson(input);
      if (wrong) throw new TypeError(`it gave what is not JSON at ${wrong}`);
      return input as Json;
    } catch (error) {
      events.emit('warning', { message: `\`coalesce\` of '${name}' failed: ${String(error)}` });
      throw error;
    }
  };
  return { effect, merge };
}
