/** Writes that wait in the queue, laid over answers that do not know them yet. */

import type { DeclaredRead } from './declared-read.ts';
import { deepFreeze, freezeJson, notJson } from './json.ts';
import type { PendingWrite } from './operation.ts';

const none: readonly PendingWrite[] = Object.freeze([]);

/** The overlay of one declared read. */
export class Overlay<Input, Value> {
  readonly #read: DeclaredRead<Input, Value>;

  constructor(read: DeclaredRead<Input, Value>) {
    this.#read = read;
  }

  /** The pending writes that concern an answer, or what would be the answer. */
  pending(input: Input, value?: Value): readonly PendingWrite[] {
    const { engine, answers } = this.#read;
    const { queue } = engine;
    if (queue.size === 0 && queue.accepted.size === 0) return none;
    const entities = answers.entities(input, value) ?? [];
    const records = entities.flatMap((entity) => queue.pending(entity));
    return [...new Set(records)].map((record) => ({
      id: record.id,
      operation: record.operation,
      // What lies in the queue is still to be sent: nobody may change it.
      input: deepFreeze(record.input),
      ...(record.entity && { entity: deepFreeze(record.entity) }),
      enqueuedAt: record.enqueuedAt,
      ...(record.acceptedAt !== undefined && { accepted: true as const }),
    }));
  }

  /** What the app's own overlay throws must not cost the answer. */
  lay<Base extends Value | undefined>(
    value: Base,
    pending: readonly PendingWrite[],
    input: Input,
  ): Value | Base {
    const { name, spec, answers } = this.#read;
    if (pending.length === 0 || !spec.overlay) return value;
    try {
      const laid = spec.overlay(value, pending, input);
      if (laid === undefined) return value;
      return notJson(laid) ? laid : freezeJson(laid);
    } catch (error) {
      answers.warn(`The overlay of '${name}' threw: ${String(error)}`);
      return value;
    }
  }
}
