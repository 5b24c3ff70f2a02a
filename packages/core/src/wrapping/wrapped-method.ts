/** A decorated method: an operation for each class that has it, and the instances that can send its writes. */

import type { ManagerChoice } from './manager-choice.ts';
import type { Wrapping } from './wrap-spec.ts';
import { type Body, type Instances, WrappedOperation } from './wrapped-operation.ts';

interface Parts {
  readonly method: string;
  /** What it is found by on an instance, or on a class where it is static. */
  readonly key: string | symbol;
  readonly isStatic: boolean;
  readonly wrapping: Wrapping;
  readonly body: Body;
  readonly choice: () => ManagerChoice;
}

interface Family {
  readonly operation: WrappedOperation;
  readonly instances: NewestInstance;
}

/** All that stand in the place of methods. */
const bodies = new WeakSet<object>();

/** Operations by class. */
export class WrappedMethod {
  /** What stands in the place of the method. */
  readonly body: Body;
  readonly #parts: Parts;
  readonly #families = new Map<unknown, Family>();

  constructor(parts: Parts) {
    this.#parts = parts;
    const call = (instance: unknown, args: readonly unknown[]) => this.#call(instance, args);
    this.body = function wrapped(this: unknown, ...args: unknown[]) {
      return call(this, args);
    };
    bodies.add(this.body);
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

  #call(instance: unknown, args: readonly unknown[]): Promise<unknown> {
    if (Object(instance) !== instance)
      return Promise.reject(
        new TypeError(`Expected '${this.#parts.method}' to be called on its instance`),
      );
    return this.#of(instance as object).operation.call(args, instance);
  }

  #of(instance: object): Family {
    const { wrapping } = this.#parts;
    const owner = this.#ownerOf(instance);
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

  /**
   * The class of the instance. Where a subclass has decorated its own and calls this one through `super`,
   * the class that has this one: both are operations, and need names of their own.
   */
  #ownerOf(instance: object): unknown {
    const { key, isStatic } = this.#parts;
    const own: unknown = isStatic ? instance : instance.constructor;
    if (Reflect.get(instance, key) === this.body) return own;
    let overridden = false;
    for (let holder: object | null = instance; holder; holder = Object.getPrototypeOf(holder)) {
      const found: unknown = Object.getOwnPropertyDescriptor(holder, key)?.value;
      if (found !== this.body) overridden ||= bodies.has(Object(found));
      else if (overridden) return isStatic ? holder : holder.constructor;
    }
    return own;
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
