/** What a declaration may hold, checked when it is made. */

import { type Check, callable, flag, milliseconds } from './option-check.ts';

const effect: Check = (value) =>
  value === 'create' || value === 'update' || value === 'delete'
    ? undefined
    : 'create, update or delete';

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
  effect,
  lane: (value) => (value === null ? undefined : callable(value)),
  idempotent: flag,
  reconcile: callable,
  reconcileFor: milliseconds(0),
  timeoutMs: milliseconds(1),
};
