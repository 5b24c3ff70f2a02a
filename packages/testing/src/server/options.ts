/** How a test server starts. */

import * as v from 'valibot';
import { parsed, wholeNumber } from './expectation.ts';

/** Options of a test server. */
export interface GraphitiServerOptions {
  /** The main port; 0 takes any free one. @default 0 */
  readonly port?: number;
  /** The port of the control endpoint; 0 takes any free one. @default 0 */
  readonly controlPort?: number;
  /** How long the worker takes for a message, in ms. @default 5 */
  readonly ingestDelayMs?: number;
  /** How many requests and acknowledged messages are remembered. @default 100_000 */
  readonly maxRecords?: number;
  /** The server's clock, in ms since 1970. @default Date.now */
  readonly now?: () => number;
}

const defaults = {
  port: 0,
  controlPort: 0,
  ingestDelayMs: 5,
  maxRecords: 100_000,
  now: Date.now,
} satisfies GraphitiServerOptions;

/** Fills in the defaults; throws a TypeError when an option is not what it should be. */
export function checkedOptions(given: GraphitiServerOptions): Required<GraphitiServerOptions> {
  parsed(schema, given, 'the options');
  return { ...defaults, ...given };
}

const port = v.exactOptional(wholeNumber(0, 65_535));

const schema = v.strictObject(
  {
    port,
    controlPort: port,
    ingestDelayMs: v.exactOptional(wholeNumber(0)),
    maxRecords: v.exactOptional(wholeNumber(1)),
    now: v.exactOptional(v.function('a function')),
  },
  'an object',
);
