/** What can go wrong with an upstream, as data that a test or the control endpoint gives. */

import * as v from 'valibot';
import { parsed, wholeNumber } from './expectation.ts';
import type { Match } from './match.ts';

/** Which requests a fault strikes; without limits all, until it is cleared. */
interface Limits {
  /** Only the next so many requests, 1 or more. */
  readonly count?: number;
  readonly match?: Match;
}

/** Whether the request is carried out all the same, before the failure. */
interface Ambiguous {
  /** @default false */
  readonly applied?: boolean;
}

/** The port is closed and open connections are destroyed; a closed port sees no requests, so no limits. */
interface Refuse {
  readonly kind: 'refuse';
}

/** The request is taken and never answered; clearing the fault destroys its connection. */
interface Hang extends Limits, Ambiguous {
  readonly kind: 'hang';
}

/** The request waits before it is carried out; with `applied` it is carried out, and its answer waits. */
interface Slow extends Limits, Ambiguous {
  readonly kind: 'slow';
  /** In ms. */
  readonly ms: number;
}

/** 500, text/plain. */
interface ServerError extends Limits, Ambiguous {
  readonly kind: 'error';
}

/** 429 with Retry-After. */
interface Throttle extends Limits {
  readonly kind: 'throttle';
  /** In whole seconds. @default 1 */
  readonly retryAfter?: number;
}

/** 503. */
interface Unavailable extends Limits {
  readonly kind: 'unavailable';
}

/** The head and half of the body are sent, then the connection is reset. */
interface Reset extends Limits, Ambiguous {
  readonly kind: 'reset';
}

/** Ends the ingestion worker, now or, with limits, when a request comes in; only a restart cures it. */
interface DeadWorker extends Limits {
  readonly kind: 'dead_worker';
}

/** Any fault that the server can be given. */
export type Fault =
  | Refuse
  | Hang
  | Slow
  | ServerError
  | Throttle
  | Unavailable
  | Reset
  | DeadWorker;

/** The name of a fault. */
export type FaultKind = Fault['kind'];

/** Reads a fault of unknown origin; throws a TypeError that says what was expected and what came. */
export function parseFault(input: unknown): Fault {
  return parsed(fault, input, 'a fault');
}

/** Reads one fault or a list of them; throws a TypeError that says what was expected and what came. */
export function parseFaults(input: unknown): Fault[] {
  return Array.isArray(input) ? parsed(v.array(fault), input, 'faults') : [parseFault(input)];
}

const anObject = 'an object like { kind: "hang", count: 2 }';
const yesOrNo = v.boolean('true or false');
const match = v.strictObject(
  {
    method: v.exactOptional(v.pipe(v.string('a method'), v.regex(/^[a-z]+$/i, 'a method'))),
    path: v.exactOptional(
      v.pipe(v.string('a path'), v.startsWith('/', 'a path that begins with /')),
    ),
  },
  'an object with `method` or `path`',
);
const limits = { count: v.exactOptional(wholeNumber(1)), match: v.exactOptional(match) };
const ambiguous = { ...limits, applied: v.exactOptional(yesOrNo) };

const fault = v.variant(
  'kind',
  [
    v.strictObject({ kind: v.literal('refuse') }, anObject),
    v.strictObject({ kind: v.literal('hang'), ...ambiguous }, anObject),
    v.strictObject({ kind: v.literal('slow'), ms: wholeNumber(0), ...ambiguous }, anObject),
    v.strictObject({ kind: v.literal('error'), ...ambiguous }, anObject),
    v.strictObject(
      { kind: v.literal('throttle'), retryAfter: v.exactOptional(wholeNumber(0)), ...limits },
      anObject,
    ),
    v.strictObject({ kind: v.literal('unavailable'), ...limits }, anObject),
    v.strictObject({ kind: v.literal('reset'), ...ambiguous }, anObject),
    v.strictObject({ kind: v.literal('dead_worker'), ...limits }, anObject),
  ],
  ({ path, expected }) =>
    path ? `one of ${expected?.replace(/[("')]/g, '').replaceAll(' | ', ', ')}` : anObject,
);
