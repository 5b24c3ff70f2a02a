/** What a test server holds right now. */

import type { Graph } from './graph.ts';
import type { Ingestion } from './ingestion.ts';
import type { Listener } from './listener.ts';

/** A server's state, as counts. */
export interface ServerState {
  /** Whether the main port takes connections. */
  readonly listening: boolean;
  readonly workerAlive: boolean;
  /** How many acknowledged messages wait for the worker. */
  readonly pending: number;
  /** How many episodes are stored in all groups. */
  readonly episodes: number;
  readonly groups: Readonly<Record<string, GroupState>>;
}

/** What one group holds, as counts. */
interface GroupState {
  readonly episodes: number;
  readonly facts: number;
  readonly nodes: number;
}

/** Counts what there is. */
export function stateOf(listener: Listener, graph: Graph, ingestion: Ingestion): ServerState {
  const groups = Object.fromEntries(graph.groupIds.map((id) => [id, groupState(graph, id)]));
  return {
    listening: listener.listening,
    workerAlive: ingestion.alive,
    pending: ingestion.pending,
    episodes: Object.values(groups).reduce((sum, { episodes }) => sum + episodes, 0),
    groups,
  };
}

function groupState(graph: Graph, id: string): GroupState {
  return {
    episodes: graph.episodes(id).length,
    facts: graph.facts([id]).length,
    nodes: graph.nodes(id).length,
  };
}
