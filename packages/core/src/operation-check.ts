/** What a declaration may hold, checked when it is made. */

import { type Check, callable, either, finite, flag, milliseconds, oneOf } from './option-check.ts';

/** Members of a read's declaration. */
export const readChecks: Readonly<Record<string, Check>> = {
  run: callable,
  entities: callable,
  key: callable,
  overlay: callable,
  timeoutMs: milliseconds(1),
  ttl: milliseconds(0),
  staleIfError: milliseconds(0),
};

/** Members of a write's declaration. */
export const writeChecks: Readonly<Record<string, Check>> = {
  run: callable,
  entity: callable,
  effect: oneOf('create', 'update', 'delete'),
  lane: (value) => (value === null ? undefined : callable(value)),
  priority: either(finite, callable),
  idempotent: flag,
  replayable: flag,
  coalesce: either(flag, callable),
  reconcile: callable,
  reconcileFor: milliseconds(0),
  timeoutMs: milliseconds(1),
};
