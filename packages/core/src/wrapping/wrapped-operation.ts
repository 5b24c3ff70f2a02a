/** A function or method as an operation, declared on the manager that it belongs to. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { FallbackError } from '../errors.ts';
import type { FallbackManager } from '../manager.ts';
import type { CallContext, ReadOperation, WriteOperation } from '../operation.ts';
import type { Detailed, Receipt } from '../outcome.ts';
import { asCurrentCall } from './current-call.ts';
import type { ManagerChoice } from './manager-choice.ts';
import type { Wrapping } from './wrap-spec.ts';

type Args = readonly unknown[];
/** A wrapped function, or a method to be called on its instance. */
export type Body = (this: unknown, ...args: never[]) => unknown;

/** Where a replay finds the instance of a method. A function needs none. */
export interface Instances {
  readonly newest: object | undefined;
  /** Called when there is one again. */
  onArrival(listener: () => void): void;
}

interface Parts {
  readonly name: string;
  readonly wrapping: Wrapping;
  readonly body: Body;
  readonly choice: ManagerChoice;
  readonly instances?: Instances;
}

type Declared =
  | { readonly kind: 'read'; readonly read: ReadOperation<Call, unknown> }
  | { readonly kind: 'write'; readonly write: WriteOperation<Args, unknown> };

/** A call of a read: only its arguments are asked for in the cache. */
interface Call {
  readonly args: Args;
  readonly instance: unknown;
}

/** Whose call is under way: a live write is sent by the instance that it was called on. */
const callers = new AsyncLocalStorage<{ readonly operation: object; readonly instance: unknown }>();

/** One operation, on as many managers as come one after another. */
export class WrappedOperation {
  readonly #parts: Parts;
  readonly #declared = new WeakMap<FallbackManager, Declared>();
  /** What was wrong when it was to be declared on the first manager that came. */
  #wrong: unknown;

  constructor(parts: Parts) {
    this.#parts = parts;
    // At once, not at the first call: what an earlier process queued waits for it.
    parts.choice.first((manager) => {
      try {
        this.#on(manager);
      } catch (error) {
        // Whoever makes a manager is not to blame; calls say it again.
        this.#wrong = error;
      }
    });
  }

  /** Declares it on the manager that is there. @throws what is wrong with the declaration */
  declare(): void {
    if (this.#wrong) throw this.#wrong;
    const manager = this.#parts.choice.find();
    if (manager) this.#on(manager);
  }

  async call(given: Args, instance: unknown): Promise<unknown> {
    const result = await this.detailed(given, instance);
    if (!('operation' in result)) return result.value;
    const { wrapping } = this.#parts;
    const answer = wrapping.kind === 'write' ? wrapping.answer : undefined;
    return answer ? answer(given, result) : given[0];
  }

  async detailed(given: Args, instance: unknown): Promise<Detailed<unknown> | Receipt<unknown>> {
    const args = withoutTrailing(given);
    const declared = this.#on(this.#parts.choice.get());
    if (declared.kind === 'read') return declared.read.detailed({ args, instance });
    return callers.run({ operation: this, instance }, () => declared.write(args));
  }

  #on(manager: FallbackManager): Declared {
    const known = this.#declared.get(manager);
    if (known) return known;
    const declared = this.#declare(manager);
    this.#declared.set(manager, declared);
    return declared;
  }

  #declare(manager: FallbackManager): Declared {
    const { name, wrapping, instances } = this.#parts;
    if (wrapping.kind === 'read') {
      const {
        kind,
        name: _name,
        manager: _manager,
        key,
        entities,
        overlay,
        fromEntity,
        ...rest
      } = wrapping;
      const read = manager.read<Call, unknown>(name, {
        ...rest,
        run: ({ args, instance }, context) => this.#run(instance, args, context),
        key: ({ args, instance }) => (key ? key(args, instance) : args),
        ...(entities && { entities: ({ args }, value) => entities(args, value) }),
        ...(overlay && {
          overlay: (value, pending, { args }) => overlay(value, pending, args),
        }),
        ...(fromEntity && { fromEntity: (entity, { args }) => fromEntity(entity, args) }),
      });
      return { kind, read };
    }
    const { kind, name: _name, manager: _manager, answer: _answer, ...rest } = wrapping;
    const { owns, fromEntity = ({ type: _type, ...entity }) => [entity] } = rest;
    const write = manager.write<Args, unknown>(name, {
      ...rest,
      run: (args, context) => this.#run(this.#instance(), args, context),
      ...(owns !== undefined && { fromEntity }),
      ...(instances && { available: () => instances.newest !== undefined }),
    });
    instances?.onArrival(() => manager.queue.wake());
    return { kind, write };
  }

  /** Of the call under way; a replay is sent by the newest instance. */
  #instance(): unknown {
    const { name, instances } = this.#parts;
    const caller = callers.getStore();
    if (caller?.operation === this) return caller.instance;
    const newest = instances?.newest;
    if (newest || !instances) return newest;
    throw new FallbackError('FALLBACK_UNAVAILABLE', `There is no instance to send '${name}' with`);
  }

  #run(instance: unknown, args: Args, context: CallContext): unknown {
    const { body } = this.#parts;
    return asCurrentCall(context, () => Reflect.apply(body, instance, args));
  }
}

/** An argument that is left out at the end is the same as one that was not given. */
function withoutTrailing(args: Args): Args {
  let end = args.length;
  while (end > 0 && args[end - 1] === undefined) end -= 1;
  return args.slice(0, end);
}
