/** A decorated method: an operation for each class that has it, and the instances that can send its writes. */

import type { ManagerChoice } from './manager-choice.ts';
import type { Wrapping } from './wrap-spec.ts';
import { type Body, type Instances, WrappedOperation } from './wrapped-operation.ts';

interface Parts {
  readonly method: string;
  readonly isStatic: boolean;
  readonly wrapping: Wrapping;
  readonly body: Body;
  readonly choice: () => ManagerChoice;
}

interface Family {
  readonly operation: WrappedOperation;
  readonly instances: NewestInstance;
}

/** Operations by class. */
export class WrappedMethod {
  readonly #parts: Parts;
  readonly #families = new Map<unknown, Family>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * An instance is being constructed.
   *
   * @throws {TypeError} when its class has no name and the specification gives none, or the name is taken
   */
  constructed(instance: object): void {
    const { operation, instances } = this.#of(instance);
    operation.declare();
    instances.arrived(instance);
  }

  call(instance: unknown, args: readonly unknown[]): Promise<unknown> {
    if (typeof instance !== 'object' && typeof instance !== 'function')
      return Promise.reject(
        new TypeError(`Expected '${this.#parts.method}' to be called on its instance`),
      );
    return this.#of(instance as object).operation.call(args, instance);
  }

  #of(instance: object): Family {
    const { isStatic, wrapping } = this.#parts;
    const owner: unknown = isStatic ? instance : instance.constructor;
    // With a name of its own it is one operation, whoever inherits it.
    const key = wrapping.name === undefined ? owner : undefined;
    const known = this.#families.get(key);
    if (known) return known;
    const { method, body, choice } = this.#parts;
    const instances = new NewestInstance();
    const name = wrapping.name ?? `${classNameOf(owner, method)}.${method}`;
    const operation = new WrappedOperation({ name, wrapping, body, choice: choice(), instances });
    const family = { operation, instances };
    this.#families.set(key, family);
    return family;
  }
}

/** The instance that was constructed last, while it lives. */
class NewestInstance implements Instances {
  readonly #listeners: (() => void)[] = [];
  #newest: WeakRef<object> | undefined;

  get newest(): object | undefined {
    return this.#newest?.deref();
  }

  onArrival(listener: () => void): void {
    this.#listeners.push(listener);
  }

  arrived(instance: object): void {
    const wasMissing = this.newest === undefined;
    this.#newest = new WeakRef(instance);
    if (wasMissing) for (const listener of this.#listeners) listener();
  }
}

function classNameOf(owner: unknown, method: string): string {
  const name: unknown = typeof owner === 'function' ? owner.name : '';
  if (typeof name === 'string' && name !== '') return name;
  throw new TypeError(
    `Expected the class of '${method}' to have a name, or \`name\` to be given to withFallback`,
  );
}
