/** The faults that are in force, and which of them strike a request. */

import type { ServerResponse } from 'node:http';
import type { Fault } from './fault.ts';
import { type Match, matches } from './match.ts';

/** A fault in force; `count` is what is left of it. */
export type ActiveFault = Fault & {
  /** How many requests it has struck. */
  readonly struck: number;
};

/** A fault on a request, with a place for responses that it keeps open. */
export interface Strike {
  readonly fault: Fault;
  /** Keeps a response open until the fault is cleared, which destroys the connection. */
  hold(response: ServerResponse): void;
}

interface Entry {
  readonly fault: Fault;
  readonly held: Set<ServerResponse>;
  left: number;
  struck: number;
}

/** Faults strike in the order in which they were given. */
export class FaultScript {
  readonly #entries = new Set<Entry>();

  /** Whether the port has to be closed. */
  get refusing(): boolean {
    return [...this.#entries].some(({ fault }) => fault.kind === 'refuse');
  }

  /** The faults in force, without those that are used up. */
  get active(): ActiveFault[] {
    return [...this.#entries]
      .filter(({ left }) => left > 0)
      .map(({ fault, left, struck }) => ({
        ...fault,
        ...(Number.isFinite(left) && { count: left }),
        struck,
      }));
  }

  /** Puts a fault in force; the returned function clears it. */
  add(fault: Fault): () => void {
    const left = ('count' in fault ? fault.count : undefined) ?? Number.POSITIVE_INFINITY;
    const entry: Entry = { fault, left, struck: 0, held: new Set() };
    this.#entries.add(entry);
    return () => this.#remove(entry);
  }

  /** Clears the faults of which `of` is true, or all. */
  clear(of: (fault: Fault) => boolean = () => true): void {
    for (const entry of this.#entries) if (of(entry.fault)) this.#remove(entry);
  }

  /** The faults that strike this request, counted: the last of them ends it, those before let it go on. */
  strike(request: { readonly method: string; readonly path: string }): Strike[] {
    const strikes: Strike[] = [];
    for (const entry of this.#entries) {
      if (entry.left === 0 || isStanding(entry.fault)) continue;
      if (!matches(request, limitOf(entry.fault))) continue;
      entry.left -= 1;
      entry.struck += 1;
      strikes.push({ fault: entry.fault, hold: (response) => this.#hold(entry, response) });
      if (entry.fault.kind !== 'slow' && entry.fault.kind !== 'dead_worker') break;
    }
    return strikes;
  }

  #hold(entry: Entry, response: ServerResponse): void {
    if (!this.#entries.has(entry)) {
      response.destroy(); // cleared while a slow fault held the request up
      return;
    }
    entry.held.add(response);
    response.once('close', () => entry.held.delete(response));
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry);
    for (const response of entry.held) response.destroy();
    entry.held.clear();
  }
}

/** Whether a fault is a state of the server and strikes no request. */
export function isStanding(fault: Fault): boolean {
  if (fault.kind === 'refuse') return true;
  return fault.kind === 'dead_worker' && fault.count === undefined && fault.match === undefined;
}

function limitOf(fault: Fault): Match | undefined {
  return 'match' in fault ? fault.match : undefined;
}
