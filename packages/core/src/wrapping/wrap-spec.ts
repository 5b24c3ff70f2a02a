/** What may be said of a function or method that is wrapped. */

import type { FallbackManager } from '../manager.ts';
import type { ReadSpec, WriteSpec } from '../operation.ts';
import { checkDeclaration } from '../operation-check.ts';
import {
  type Check,
  callable,
  checkOptions,
  either,
  oneOf,
  text,
  withMethods,
} from '../option-check.ts';
import type { Receipt } from '../outcome.ts';
import { deedOf, verbsOf } from './verb.ts';

/** What every wrapped function may say. `Args` are its arguments, as a list. */
export interface WrapOptions {
  /** The operation's name. @default `Class.method`, or the function's own */
  readonly name?: string;
  /** The manager or its name, which may come later. @default the default manager */
  readonly manager?: FallbackManager | string;
}

/** A read: as for `manager.read()`, with the arguments as its input. */
export interface ReadWrapSpec<Args extends readonly unknown[], Value, This = never>
  extends WrapOptions,
    Omit<ReadSpec<Args, Value>, 'run' | 'key' | 'derived'> {
  /** @default by the name: get, find, list, search and read are reads */
  readonly kind?: 'read';
  /**
   * What makes two calls ask the same; JSON. Instances of one class answer for each other: one whose
   * answers are its own, a tenant's say, tells here which it is.
   *
   * @default the arguments
   */
  readonly key?: (args: Args, instance: This) => unknown;
}

/** A write: as for `manager.write()`, with the arguments, which must be JSON, as its input. */
export interface WriteWrapSpec<Args extends readonly unknown[], Value>
  extends WrapOptions,
    Omit<WriteSpec<Args, Value>, 'run' | 'available'> {
  /** @default by the name: create, store, save, update, upsert, delete, remove and add are writes */
  readonly kind?: 'write';
  /** What the caller gets while the write is kept. @default the first argument: the given entity */
  readonly answer?: (args: Args, receipt: KeptReceipt) => Value;
}

/** The receipt of a write that waits. */
export type KeptReceipt = Exclude<Receipt<never>, { readonly outcome: 'applied' }>;

/** What may be said of a function or method. */
export type FallbackSpec<Args extends readonly unknown[], Value, This = never> =
  | ReadWrapSpec<Args, Value, This>
  | WriteWrapSpec<Args, Value>;

/** A specification as the kit keeps it: the types were the caller's. */
export type Wrapping =
  | (ReadWrapSpec<readonly unknown[], unknown, unknown> & { readonly kind: 'read' })
  | (WriteWrapSpec<readonly unknown[], unknown> & { readonly kind: 'write' });

const own: Readonly<Record<string, Check>> = {
  name: text,
  kind: oneOf('read', 'write'),
  manager: either(withMethods('a manager', 'read', 'write'), text),
  answer: callable,
};

/**
 * Checks a specification, and adds what the function's name says.
 *
 * @param fn the function's own name
 * @throws {TypeError} naming what is wrong, or when neither name nor `kind` says whether it reads
 */
export function wrappingOf(fn: string, spec: FallbackSpec<never, never>): Wrapping {
  if (typeof spec !== 'object' || spec === null)
    throw new TypeError(
      `Expected withFallback of '${fn}' to be given an object of options, got ${typeof spec}`,
    );
  const label = spec.name ?? (fn || 'a function');
  const {
    name,
    kind: given,
    manager,
    answer,
    ...declaration
  } = spec as WriteWrapSpec<never, never>;
  checkOptions(`withFallback of '${label}'`, { name, kind: given, manager, answer }, own);
  const deed = deedOf(fn) ?? deedOf(spec.name?.split('.').at(-1) ?? '');
  const kind = spec.kind ?? deed?.kind;
  if (kind === undefined)
    throw new TypeError(
      `Expected the name of '${label}' to begin with a verb (reads: ${verbsOf('read')}; writes: ${verbsOf('write')}), or \`kind\` to be given`,
    );
  if (kind === 'read' && answer)
    throw new TypeError(`Expected \`answer\` of '${label}' on a write only, and this is a read`);
  checkDeclaration(label, kind, { ...declaration, run: () => {} });
  const effect = kind === 'write' && deed?.effect ? { effect: deed.effect } : {};
  return { ...effect, ...spec, kind } as unknown as Wrapping;
}
