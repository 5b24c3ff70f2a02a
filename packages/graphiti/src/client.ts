/** The client: Graphiti's calls as an app makes them. */

import type {
  CallOptions,
  Detailed,
  FallbackManager,
  ReadCallOptions,
  Receipt,
} from '@graphiti-fallback/core';
import { isEntityNode, isEpisodes, isFacts, isHealth } from './answer.ts';
import { groupEntity, groupLane, type LastGroup } from './group.ts';
import { checkEntityNode, checkEpisodes, checkMessages, checkQuery } from './input.ts';
import { declareMessages, outgoing } from './messages.ts';
import type {
  EntityNode,
  Episode,
  Facts,
  Message,
  Result,
  SearchQuery,
  StoredEntityNode,
} from './model.ts';
import type { Transport } from './transport.ts';

/** A read of Graphiti: the answer in Graphiti's own shape, or with where it came from. */
export interface GraphitiRead<Args extends readonly unknown[], Answer> {
  (...args: [...Args, options?: ReadCallOptions]): Promise<Answer>;
  detailed(...args: [...Args, options?: ReadCallOptions]): Promise<Detailed<Answer>>;
}

/** Graphiti through fallback. Invalid input is refused before anything is sent: `FALLBACK_INVALID_INPUT`. */
export interface GraphitiClient {
  /** Facts that answer a question, best first. */
  readonly search: GraphitiRead<[query: SearchQuery], Facts>;
  /** The newest `lastN` messages of a group, oldest first. */
  readonly getEpisodes: GraphitiRead<[groupId: string, lastN: number], readonly Episode[]>;
  /** Adds messages to a group, in order. Graphiti takes them in later. */
  addMessages(
    groupId: string,
    messages: readonly Message[],
    options?: CallOptions,
  ): Promise<Receipt<Result>>;
  /** Creates an entity node, or overwrites the one with its `uuid`. */
  addEntityNode(node: EntityNode, options?: CallOptions): Promise<Receipt<StoredEntityNode>>;
  /** Asks the server whether it lives, past all fallback. It says so even when it loses messages. */
  healthcheck(options?: CallOptions): Promise<{ readonly status: string }>;
}

/** What the client needs besides its manager. */
export interface ClientParts {
  readonly transport: Transport;
  readonly lastGroup: LastGroup;
  readonly messageTimeoutMs: number;
  readonly reconcileFor: number | undefined;
}

/** How long a liveness answer may take, in ms, unless the caller says otherwise. */
const livenessTimeout = 5_000;

/** Declares Graphiti's operations on a manager, and gives the client for them. */
export function createClient(manager: FallbackManager, parts: ClientParts): GraphitiClient {
  const { transport, lastGroup } = parts;
  const search = declareSearch(manager, transport);
  const episodes = declareEpisodes(manager, transport);
  const node = declareEntityNode(manager, transport);
  const message = declareMessages(manager, transport, {
    timeoutMs: parts.messageTimeoutMs,
    reconcileFor: parts.reconcileFor,
  });

  return {
    search: readOf((query: SearchQuery, options?: ReadCallOptions) => {
      checkQuery(query);
      lastGroup.use(query.group_ids?.[0]);
      const { group_ids, max_facts = 10 } = query;
      const sorted = group_ids ? [...group_ids].sort() : null;
      return search.detailed({ query: query.query, group_ids: sorted, max_facts }, options);
    }),
    getEpisodes: readOf((groupId: string, lastN: number, options?: ReadCallOptions) => {
      checkEpisodes(groupId, lastN);
      lastGroup.use(groupId);
      return episodes.detailed({ group_id: groupId, last_n: lastN }, options);
    }),
    async addMessages(groupId, messages, options) {
      checkMessages(groupId, messages);
      lastGroup.use(groupId);
      const now = Date.now();
      return message.all(
        messages.map((each) => outgoing(groupId, each, now)),
        options,
      );
    },
    async addEntityNode(given, options) {
      checkEntityNode(given);
      lastGroup.use(given.group_id);
      return node(given, options);
    },
    healthcheck({ signal, timeoutMs = livenessTimeout } = {}) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const either = signal ? AbortSignal.any([signal, deadline]) : deadline;
      return transport({ method: 'GET', path: '/healthcheck', signal: either, accepts: isHealth });
    },
  };
}

function declareSearch(manager: FallbackManager, transport: Transport) {
  type Query = {
    readonly query: string;
    readonly group_ids: readonly string[] | null;
    readonly max_facts: number;
  };
  return manager.read('graphiti.search', {
    run: (body: Query, { signal }) =>
      transport({ method: 'POST', path: '/search', body, signal, accepts: isFacts }),
    // A search of all groups concerns none of them by name: a write does not expire it before its time.
    entities: ({ group_ids }) => (group_ids ?? []).map(groupEntity),
  });
}

function declareEpisodes(manager: FallbackManager, transport: Transport) {
  type Query = { readonly group_id: string; readonly last_n: number };
  return manager.read('graphiti.get_episodes', {
    run: ({ group_id, last_n }: Query, { signal }) => {
      const path = `/episodes/${encodeURIComponent(group_id)}?last_n=${last_n}`;
      return transport({ method: 'GET', path, signal, accepts: isEpisodes });
    },
    entities: ({ group_id }) => [groupEntity(group_id)],
  });
}

function declareEntityNode(manager: FallbackManager, transport: Transport) {
  return manager.write('graphiti.add_entity_node', {
    run: (body: EntityNode, { signal }) =>
      transport({ method: 'POST', path: '/entity-node', body, signal, accepts: isEntityNode }),
    entity: ({ group_id }) => groupEntity(group_id),
    lane: ({ group_id }) => groupLane(group_id),
    idempotent: true,
  });
}

/** Gives a read its two forms; what the check throws becomes a rejection. */
function readOf<Args extends readonly unknown[], Answer>(
  read: (...args: [...Args, options?: ReadCallOptions]) => Promise<Detailed<Answer>>,
): GraphitiRead<Args, Answer> {
  const detailed = async (...args: [...Args, options?: ReadCallOptions]) => read(...args);
  const value = async (...args: [...Args, options?: ReadCallOptions]) =>
    (await read(...args)).value;
  return Object.assign(value, { detailed });
}
