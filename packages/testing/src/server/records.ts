/** What came in at the main port, so that a test can prove "exactly these, in this order". */

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { FaultKind } from './fault.ts';
import { type Match, matches } from './match.ts';

/** A request that the server received, refused connections excepted. */
export interface ReceivedRequest {
  /** Counts from 1 in the order of arrival and never starts anew. */
  readonly seq: number;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** The JSON sent, or the text where it was no JSON. */
  readonly body: unknown;
  /** When it arrived, in ms since 1970. */
  readonly at: number;
  /** The status of the answer; null where no complete answer was sent, or not yet. */
  readonly status: number | null;
  /** The fault that struck it. */
  readonly fault: FaultKind | null;
  /** Whether it was carried out, that is answered 2xx by its endpoint, even if the answer was lost. */
  readonly applied: boolean;
}

/** A record while its request is under way. */
export type OpenRecord = { -readonly [Key in keyof ReceivedRequest]: ReceivedRequest[Key] };

/** The latest requests, up to a limit. */
export class Records {
  readonly #now: () => number;
  readonly #limit: number;
  readonly #records = new Map<number, OpenRecord>();
  #seq = 0;

  constructor(now: () => number, limit: number) {
    this.#now = now;
    this.#limit = limit;
  }

  /** Starts the record of a request whose head has arrived. */
  open({ method = 'GET', url = '/', headers }: IncomingMessage): OpenRecord {
    const { path, query } = parsed(url);
    const seq = ++this.#seq;
    const at = this.#now();
    const record = { seq, method, path, query, headers, body: undefined, at };
    const open: OpenRecord = { ...record, status: null, fault: null, applied: false };
    this.#records.set(seq, open);
    if (this.#records.size > this.#limit) this.#records.delete(seq - this.#limit);
    return open;
  }

  /** Copies of the records of some requests, or of all, in order of arrival. */
  list(match?: Match): ReceivedRequest[] {
    const meant = [...this.#records.values()].filter((record) => matches(record, match));
    return meant.map((record) => ({ ...record }));
  }

  /** Forgets all requests so far. */
  clear(): void {
    this.#records.clear();
  }
}

function parsed(url: string): Pick<ReceivedRequest, 'path' | 'query'> {
  const [path = '/', search] = url.split(/\?(.*)/s);
  return { path, query: Object.fromEntries(new URLSearchParams(search)) };
}
