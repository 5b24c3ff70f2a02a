/** What a user's client sees of the app. */

import type { Line } from './conversation.ts';

/** What came of a request. */
export type Reply =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly stale: boolean;
      /** Id of the write that was kept. */
      readonly operation?: string | undefined;
      /** What the receipt of a write says. */
      readonly outcome?: string | undefined;
    }
  /** Nobody listened: it was certainly not accepted. */
  | { readonly kind: 'refused' }
  /** The connection broke, or nothing came in time: it may have been accepted. */
  | { readonly kind: 'lost' };

/** The part of the app's status that the demo reads. */
export interface AppStatus {
  readonly active: boolean;
  readonly queue: {
    readonly size: number;
    readonly resent: number;
    readonly states: { readonly accepted: number; readonly unconfirmed: number };
  };
  readonly breakers: Readonly<Record<string, { readonly state: string }>>;
}

/** How long a client waits for an answer, in ms; longer than any deadline of the app. */
const patience = 6_000;

/** A client of the app; its address may change. */
export class AppClient {
  readonly #address: () => string;

  constructor(address: () => string) {
    this.#address = address;
  }

  say(group: string, line: Line): Promise<Reply> {
    const headers = { 'content-type': 'application/json' };
    return this.#ask(`/groups/${group}/messages`, {
      method: 'POST',
      headers,
      body: JSON.stringify(line),
    });
  }

  search(group: string, query: string): Promise<Reply> {
    return this.#ask(`/search?${new URLSearchParams({ q: query, group })}`);
  }

  episodes(group: string, lastN: number): Promise<Reply> {
    return this.#ask(`/groups/${group}/episodes?last_n=${lastN}`);
  }

  /** The app's status; nothing while it is not there. */
  async status(): Promise<AppStatus | undefined> {
    return (await this.#told('/health/fallback')) as AppStatus | undefined;
  }

  /** What the app says of Graphiti; nothing while it is not there. */
  async graphiti(): Promise<string | undefined> {
    return ((await this.#told('/graphiti')) as { state: string } | undefined)?.state;
  }

  async #told(path: string): Promise<unknown> {
    try {
      const signal = AbortSignal.timeout(1_000);
      const headers = { accept: 'application/json' };
      return await (await fetch(`${this.#address()}${path}`, { signal, headers })).json();
    } catch {
      return undefined;
    }
  }

  async #ask(path: string, init: RequestInit = {}): Promise<Reply> {
    try {
      const signal = AbortSignal.timeout(patience);
      const response = await fetch(this.#address() + path, { ...init, signal });
      const outcome = outcomeIn(await response.text());
      const stale = response.headers.get('cache-status')?.includes('stale-if-error') ?? false;
      const operation = response.headers.get('location')?.split('/').at(-1);
      return { kind: 'answer', status: response.status, stale, operation, outcome };
    } catch (error) {
      return { kind: wasRefused(error) ? 'refused' : 'lost' };
    }
  }
}

function outcomeIn(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { readonly outcome?: string }).outcome;
  } catch {
    return undefined;
  }
}

function wasRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
