/** Functions and methods as operations. */

import type { Detailed, Receipt } from '../outcome.ts';
import { type DefaultManager, managerChoice, onlyManager } from './manager-choice.ts';
import {
  type FallbackSpec,
  type ReadWrapSpec,
  type WriteWrapSpec,
  wrappingOf,
} from './wrap-spec.ts';
import { WrappedMethod } from './wrapped-method.ts';
import { type Body, WrappedOperation } from './wrapped-operation.ts';

type AsyncFunction = (this: never, ...args: never[]) => Promise<unknown>;
type Answer<Fn extends AsyncFunction> = Awaited<ReturnType<Fn>>;

/** What a decorator is told of its method: of TypeScript's own type, what methods with any `this` share. */
export interface MethodContext {
  readonly kind: 'method';
  readonly name: string | symbol;
  readonly static: boolean;
  addInitializer(initializer: (this: unknown) => void): void;
}

/** A wrapped function: the same, and `detailed` says what became of the call. */
export type Wrapped<Fn extends AsyncFunction, Details> = Fn & {
  detailed(...args: Parameters<Fn>): Promise<Details>;
};

/** Decorates a method; its type stays as it is, generic or not. */
export type MethodDecorator<Args extends readonly unknown[]> = <
  Method extends (this: never, ...args: Args) => Promise<unknown>,
>(
  method: Method,
  context: MethodContext,
) => Method;

/** Makes functions and methods operations of a manager. */
export interface WithFallback {
  /**
   * Wraps an async function: a read answers from fallback when the upstream cannot, a write is kept as the
   * mode says, and then answers with its first argument, unless `answer` says otherwise. With no `kind`,
   * the verb that its name begins with says which it is.
   *
   * @throws {TypeError} when it has no name or none that tells what it is, or a member is wrong
   */
  <Fn extends AsyncFunction>(
    fn: Fn,
    spec: ReadWrapSpec<Parameters<Fn>, Answer<Fn>> & { readonly kind: 'read' },
  ): Wrapped<Fn, Detailed<Answer<Fn>>>;
  <Fn extends AsyncFunction>(
    fn: Fn,
    spec: WriteWrapSpec<Parameters<Fn>, Answer<Fn>> & { readonly kind: 'write' },
  ): Wrapped<Fn, Receipt<Answer<Fn>>>;
  <Fn extends AsyncFunction>(
    fn: Fn,
    spec?: FallbackSpec<Parameters<Fn>, Answer<Fn>>,
  ): Wrapped<Fn, Detailed<Answer<Fn>> | Receipt<Answer<Fn>>>;
  /** Decorates a method in the same way, `@withFallback`: its operation is `Class.method`. */
  <Method extends AsyncFunction>(method: Method, context: MethodContext): Method;
  /** The same with a specification, `@withFallback({ … })`. Annotate `args`: `([id]: [string]) => …`. */
  <Args extends readonly unknown[] = never[], This = never>(
    spec?: FallbackSpec<Args, unknown, This>,
  ): MethodDecorator<Args>;
}

/** Makes `withFallback` for a default manager of one's own; adapters do. */
export function createWithFallback(fallback: DefaultManager): WithFallback {
  function withFallback(first?: unknown, second?: unknown): unknown {
    if (typeof second === 'string' || typeof second === 'symbol') throw notMethod();
    if (typeof first !== 'function') return decoratorOf(first ?? {});
    const fn = first as Body & { readonly name: string };
    if (isContext(second)) return decorated(fn, second, {});
    return wrapped(fn, second ?? {});
  }
  // The overloads are the contract; one implementation serves them all.
  return withFallback as WithFallback;

  function decoratorOf(spec: unknown) {
    return function withFallback(method: Body, context: MethodContext): Body {
      return decorated(method, context, spec as FallbackSpec<never, never>);
    };
  }

  function decorated(body: Body, context: MethodContext, spec: FallbackSpec<never, never>): Body {
    if (!isContext(context) || context.kind !== 'method') throw notMethod();
    refuseGenerator(body);
    const method = String(context.name).replace(/^#/, '');
    const wrapping = wrappingOf(typeof context.name === 'symbol' ? '' : method, spec);
    const choice = () => managerChoice(wrapping.manager, fallback);
    const operations = new WrappedMethod({
      method,
      key: context.name,
      isStatic: context.static,
      wrapping,
      body,
      choice,
    });
    context.addInitializer(function constructed(this: unknown) {
      operations.constructed(this as object);
    });
    return named(method, operations.body);
  }

  function wrapped(body: Body & { readonly name: string }, spec: object): Body {
    refuseGenerator(body);
    const wrapping = wrappingOf(body.name, spec as FallbackSpec<never, never>);
    const name = wrapping.name ?? body.name;
    if (name === '')
      throw new TypeError('Expected a function with a name, or `name` to be given to withFallback');
    const choice = managerChoice(wrapping.manager, fallback);
    const operation = new WrappedOperation({ name, wrapping, body, choice });
    operation.declare();
    const call = (...args: unknown[]) => operation.call(args, undefined);
    const detailed = (...args: unknown[]) => operation.detailed(args, undefined);
    return Object.assign(named(body.name, call), { detailed });
  }
}

/** {@link WithFallback}; the default manager is the only one there is. */
export const withFallback: WithFallback = createWithFallback(onlyManager);

function isContext(value: unknown): value is MethodContext {
  return typeof Reflect.get(Object(value), 'addInitializer') === 'function';
}

function notMethod(): TypeError {
  return new TypeError(
    'Expected withFallback to decorate a method, by standard decorators: without `experimentalDecorators`',
  );
}

/** Its answer would be read by the caller, after the call: nothing of it could be kept. */
function refuseGenerator(body: Body & { readonly name?: string }): void {
  if (!/Generator/.test(Object.prototype.toString.call(body))) return;
  throw new TypeError(
    `Expected withFallback to be given an async function, '${body.name}' is a generator`,
  );
}

/** Traces and stacks show the name. */
function named<Fn extends object>(name: string, fn: Fn): Fn {
  return Object.defineProperty(fn, 'name', { value: name, configurable: true });
}
