/** A Graphiti that fails on demand. */

import { controlApp } from './control.ts';
import { endpoints } from './endpoints.ts';
import type { Fact } from './facts.ts';
import { type Fault, parseFault } from './fault.ts';
import { type ActiveFault, FaultScript, isStanding } from './fault-script.ts';
import { type EntityNode, type Episode, Graph } from './graph.ts';
import { type AcceptedMessage, Ingestion } from './ingestion.ts';
import { Listener } from './listener.ts';
import type { Match } from './match.ts';
import { checkedOptions, type GraphitiServerOptions } from './options.ts';
import { type ReceivedRequest, Records } from './records.ts';
import { createRouter } from './router.ts';
import { createServe } from './serve.ts';
import { type ServerState, stateOf } from './state.ts';

/** A running test server. */
export interface GraphitiServer extends AsyncDisposable {
  /** Where Graphiti is, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Where the control endpoint is; it answers whatever the faults are. */
  readonly controlUrl: string;
  readonly controlPort: number;
  /** Puts a fault in force; the returned function clears it, and resolves once the port is open again. */
  fault(fault: Fault): () => Promise<void>;
  /** The faults in force. */
  faults(): ActiveFault[];
  /** Replaces all faults. */
  setFaults(faults: readonly Fault[]): Promise<void>;
  /** Clears all faults and destroys what hangs; resolves once the port is open. A dead worker stays dead. */
  heal(): Promise<void>;
  /** The requests received at the main port, in order of arrival. */
  received(match?: Match): ReceivedRequest[];
  /** Forgets the requests received so far. */
  forget(): void;
  /** The messages that POST /messages acknowledged, in order, with what became of each. */
  messages(groupId?: string): AcceptedMessage[];
  /** The episodes stored in a group, oldest first. */
  episodes(groupId: string): Episode[];
  /** The facts stored, of one group or of all. */
  facts(groupId?: string): Fact[];
  /** The entity nodes stored, of one group or of all. */
  nodes(groupId?: string): EntityNode[];
  /** Resolves when every acknowledged message is ingested; rejects when the worker is dead before that. */
  ingested(): Promise<void>;
  /** What the server holds right now. */
  state(): ServerState;
  /** Drops the messages in memory and starts a new worker; what is stored stays, and so do other faults. */
  restart(): void;
  /** Closes both ports and every connection; nothing of the server runs afterwards. */
  close(): Promise<void>;
}

/**
 * Starts a Graphiti-compatible server with scripted faults on 127.0.0.1.
 *
 * @throws {TypeError} when an option is not what it should be
 * @throws {Error} when a port is taken, with the system's error as `cause`
 */
export async function graphitiServer(options: GraphitiServerOptions = {}): Promise<GraphitiServer> {
  const { port, controlPort, ingestDelayMs, maxRecords, now } = checkedOptions(options);
  const graph = new Graph(now);
  const ingestion = new Ingestion(graph, ingestDelayMs, maxRecords);
  const records = new Records(now, maxRecords);
  const faults = new FaultScript();
  const route = createRouter(endpoints(graph, ingestion, now));
  const closing = new AbortController();

  const serve = createServe({ records, faults, route, ingestion, closing: closing.signal });
  const main = await started('port', port, () => Listener.start(port, serve));

  const server = {
    url: main.url,
    port: main.port,
    faults: () => faults.active,
    fault(fault: Fault) {
      const undo = inForce(fault);
      if (faults.refusing) main.refuse();
      return async function clear() {
        undo();
        await followFaults();
      };
    },
    async setFaults(list: readonly Fault[]) {
      const parsed = list.map(parseFault);
      faults.clear();
      parsed.forEach(inForce);
      await followFaults();
    },
    heal: () => server.setFaults([]),
    received: (match?: Match) => records.list(match),
    forget: () => records.clear(),
    messages: (groupId?: string) => ingestion.accepted(groupId),
    episodes: (groupId: string) => structuredClone([...graph.episodes(groupId)]),
    facts: (groupId?: string) =>
      structuredClone(graph.facts(groupId === undefined ? undefined : [groupId])),
    nodes: (groupId?: string) => structuredClone(graph.nodes(groupId)),
    ingested: () => ingestion.settled(),
    state: () => stateOf(main, graph, ingestion),
    restart() {
      faults.clear((fault) => fault.kind === 'dead_worker' && isStanding(fault));
      ingestion.restart();
    },
    async close() {
      closing.abort();
      faults.clear();
      ingestion.kill();
      await Promise.all([main.close(), control.close()]);
    },
  };

  const control = await started('controlPort', controlPort, () =>
    Listener.start(controlPort, controlApp(server)),
  ).catch(async (error) => {
    await main.close();
    throw error;
  });
  return {
    ...server,
    controlUrl: control.url,
    controlPort: control.port,
    [Symbol.asyncDispose]: server.close,
  };

  function inForce(fault: Fault): () => void {
    const parsed = parseFault(fault);
    if (parsed.kind === 'dead_worker' && isStanding(parsed)) ingestion.kill();
    return faults.add(parsed);
  }

  async function followFaults(): Promise<void> {
    if (faults.refusing) main.refuse();
    else await main.accept();
  }
}

async function started(
  option: keyof GraphitiServerOptions,
  port: number,
  start: () => Promise<Listener>,
): Promise<Listener> {
  try {
    return await start();
  } catch (cause) {
    throw new Error(`Expected \`${option}\` to be free, got ${port}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
