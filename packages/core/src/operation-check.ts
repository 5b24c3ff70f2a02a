/** What a declaration may hold, checked when it is made. */

import {
  type Check,
  callable,
  checkOptions,
  either,
  finite,
  flag,
  milliseconds,
  off,
  oneOf,
  text,
  withMethods,
} from './option-check.ts';

/**
 * Checks an operation's name and declaration.
 *
 * @throws {TypeError} naming the member, what was expected and what came
 */
export function checkDeclaration(name: string, kind: 'read' | 'write', spec: object): void {
  if (typeof name !== 'string' || name.trim() === '')
    throw new TypeError(
      `Expected an operation's name to be a text that is not empty, got ${String(name)}`,
    );
  checkOptions(`'${name}'`, spec, kind === 'read' ? readChecks : writeChecks);
  const confirm: unknown = Reflect.get(spec, 'confirm');
  if (confirm !== undefined)
    checkOptions(`\`confirm\` of '${name}'`, Object(confirm), confirmChecks);
  if (Reflect.get(spec, 'run') === undefined)
    throw new TypeError(`Expected \`run\` of '${name}' to be a function, got undefined`);
}

/** Members of a read's declaration. */
const readChecks: Readonly<Record<string, Check>> = {
  run: callable,
  entities: callable,
  key: callable,
  overlay: callable,
  derived: withMethods('an object', 'from', 'make'),
  fromEntity: callable,
  breaker: text,
  timeoutMs: milliseconds(1),
  ttl: milliseconds(0),
  staleIfError: milliseconds(0),
  softTimeout: either(milliseconds(0), off),
};

/** Members of a write's declaration. */
const writeChecks: Readonly<Record<string, Check>> = {
  run: callable,
  entity: callable,
  owns: text,
  fromEntity: callable,
  effect: oneOf('create', 'update', 'delete'),
  lane: (value) => (value === null ? undefined : callable(value)),
  priority: either(finite, callable),
  idempotent: flag,
  replayable: flag,
  available: callable,
  coalesce: either(flag, callable),
  confirm: withMethods('an object', 'together', 'look'),
  reconcile: callable,
  reconcileFor: milliseconds(0),
  breaker: text,
  timeoutMs: milliseconds(1),
};

/** Members of how a write is confirmed. */
const confirmChecks: Readonly<Record<string, Check>> = {
  together: callable,
  look: callable,
  applies: callable,
  shownAt: callable,
  within: either(milliseconds(1), off),
  interval: milliseconds(1),
  maxInterval: milliseconds(1),
  unconfirmed: oneOf('report', 'dead_letter', 'resend'),
};
