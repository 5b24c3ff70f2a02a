/** The test server's control endpoint and what it has stored: the demo's only source for the verdict. */

/** A fault of the demo; each but the dead worker strikes before anything is acknowledged. */
export interface Fault {
  readonly kind: 'refuse' | 'unavailable' | 'hang' | 'dead_worker';
}

/** What the upstream has, by group, as the contents of messages. */
export interface UpstreamRecords {
  /** In the order in which the upstream took them. */
  readonly arrived: ReadonlyMap<string, readonly string[]>;
  /** In the order in which it gives them back. */
  readonly stored: ReadonlyMap<string, readonly string[]>;
}

interface MessagesRecord {
  readonly applied: boolean;
  readonly body: {
    readonly group_id: string;
    readonly messages: readonly { readonly content: string }[];
  };
}

/** How long the server may take for an answer, in ms. */
const timeout = 5_000;

/** A client of the test server. */
export class Control {
  /** Address of the control endpoint. */
  readonly controlUrl: string;
  readonly #graphitiUrl: string;

  constructor(graphitiUrl: string, controlUrl: string) {
    this.#graphitiUrl = graphitiUrl;
    this.controlUrl = controlUrl;
  }

  /** Puts a fault in force. */
  async fault(fault: Fault): Promise<void> {
    await json(`${this.controlUrl}/faults`, { method: 'PUT', body: JSON.stringify(fault) });
  }

  /** Ends all faults; resolves when the server listens again. */
  async heal(): Promise<void> {
    await json(`${this.controlUrl}/faults`, { method: 'DELETE' });
  }

  /** Restarts the server: a new worker, and nothing of what waited in memory. */
  async restart(): Promise<void> {
    await json(`${this.controlUrl}/restart`, { method: 'POST' });
  }

  /** What the server says of itself. */
  async healthcheck(): Promise<string> {
    const { status } = await json<{ status: string }>(`${this.#graphitiUrl}/healthcheck`);
    return status;
  }

  /** How many messages the server has taken and not yet stored. */
  async pending(): Promise<number> {
    const { pending } = await json<{ pending: number }>(`${this.controlUrl}/state`);
    return pending;
  }

  /** Everything the server has of some groups. */
  async records(groups: readonly string[]): Promise<UpstreamRecords> {
    const requests = await json<MessagesRecord[]>(
      `${this.controlUrl}/records?method=POST&path=/messages`,
    );
    const applied = requests.filter((request) => request.applied).map(({ body }) => body);
    const arrived = new Map<string, string[]>(groups.map((group) => [group, []]));
    for (const { group_id, messages } of applied)
      arrived.get(group_id)?.push(...messages.map(({ content }) => content));
    const stored = new Map<string, string[]>();
    for (const group of groups) stored.set(group, await this.#episodes(group));
    return { arrived, stored };
  }

  async #episodes(group: string): Promise<string[]> {
    const url = `${this.#graphitiUrl}/episodes/${group}?last_n=100000`;
    const episodes = await json<{ content: string }[]>(url);
    return episodes.map(({ content }) => said(content));
  }
}

/** Undoes an episode's `role(role_type): text`. */
function said(content: string): string {
  return content.replace(/^.*?\((?:user|assistant|system)\): /s, '');
}

async function json<Body>(url: string, init: RequestInit = {}): Promise<Body> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeout) });
  if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${url} answered ${response.status}`);
  return (await response.json()) as Body;
}
