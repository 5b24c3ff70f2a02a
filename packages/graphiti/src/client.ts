/** The client: Graphiti's calls as an app makes them. */

import {
  type CallOptions,
  type Detailed,
  FallbackError,
  type FallbackManager,
  type ReadCallOptions,
  type Receipt,
} from '@graphiti-fallback/core';
import { isEntityNode, isEpisodes, isFacts, isHealth } from './answer.ts';
import { groupEntity, groupLane, type LastGroup } from './group.ts';
import { checkEntityNode, checkEpisodes, checkMessages, checkQuery } from './input.ts';
import { declareMessages } from './messages.ts';
import type {
  EntityNode,
  Episode,
  Facts,
  Message,
  Result,
  SearchQuery,
  StoredEntityNode,
} from './model.ts';
import { createTimestamps } from './timestamp.ts';
import type { Transport } from './transport.ts';

/** Asks for facts; `detailed` also tells where the answer came from. */
export interface Search {
  (query: SearchQuery, options?: ReadCallOptions): Promise<Facts>;
  detailed(query: SearchQuery, options?: ReadCallOptions): Promise<Detailed<Facts>>;
}

/** Reads the newest messages; `detailed` also tells where the answer came from. */
export interface GetEpisodes {
  (groupId: string, lastN: number, options?: ReadCallOptions): Promise<readonly Episode[]>;
  detailed(
    groupId: string,
    lastN: number,
    options?: ReadCallOptions,
  ): Promise<Detailed<readonly Episode[]>>;
}

/** Graphiti through fallback. Invalid input is refused before anything is sent: `FALLBACK_INVALID_INPUT`. */
export interface GraphitiClient {
  /** Facts that answer a question, best first. */
  readonly search: Search;
  /** The newest `lastN` messages of a group, oldest first. */
  readonly getEpisodes: GetEpisodes;
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
  const search = createSearch(manager, parts);
  const getEpisodes = createGetEpisodes(manager, parts);
  const nextTimestamp = createTimestamps();
  const node = declareEntityNode(manager, transport);
  const message = declareMessages(manager, transport, {
    timeoutMs: parts.messageTimeoutMs,
    reconcileFor: parts.reconcileFor,
  });

  return {
    search,
    getEpisodes,
    async addMessages(groupId, messages, options) {
      checkMessages(groupId, messages);
      lastGroup.use(groupId);
      const outgoing = messages.map((each) => ({
        group_id: groupId,
        message: each,
        givenAt: nextTimestamp(),
      }));
      return message.all(outgoing, options);
    },
    async addEntityNode(given, options) {
      checkEntityNode(given);
      lastGroup.use(given.group_id);
      return node(given, options);
    },
    async healthcheck({ signal, timeoutMs = livenessTimeout } = {}) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const either = signal ? AbortSignal.any([signal, deadline]) : deadline;
      const request = { method: 'GET', path: '/healthcheck', signal: either } as const;
      return transport({ ...request, accepts: isHealth }).catch((cause: unknown) => {
        if (signal?.aborted || !deadline.aborted) throw cause;
        throw new FallbackError('FALLBACK_TIMEOUT', `No answer within ${timeoutMs} ms`, { cause });
      });
    },
  };
}

function createSearch(manager: FallbackManager, { transport, lastGroup }: ClientParts): Search {
  const read = manager.read('graphiti.search', {
    run: (body: Required<SearchQuery>, { signal }) =>
      transport({ method: 'POST', path: '/search', body, signal, accepts: isFacts }),
    // A search of all groups concerns none of them by name: a write does not expire it before its time.
    entities: ({ group_ids }) => (group_ids ?? []).map(groupEntity),
  });
  const detailed: Search['detailed'] = async (query, options) => {
    checkQuery(query);
    lastGroup.use(query.group_ids?.[0]);
    const { group_ids, max_facts = 10 } = query;
    const sorted = group_ids ? [...group_ids].sort() : null;
    return read.detailed({ query: query.query, group_ids: sorted, max_facts }, options);
  };
  const search = async (query: SearchQuery, options?: ReadCallOptions) =>
    (await detailed(query, options)).value;
  return Object.assign(search, { detailed });
}

function createGetEpisodes(
  manager: FallbackManager,
  { transport, lastGroup }: ClientParts,
): GetEpisodes {
  const read = manager.read('graphiti.get_episodes', {
    run: (
      { group_id, last_n }: { readonly group_id: string; readonly last_n: number },
      { signal },
    ) => {
      const path = `/episodes/${encodeURIComponent(group_id)}?last_n=${last_n}`;
      return transport({ method: 'GET', path, signal, accepts: isEpisodes });
    },
    entities: ({ group_id }) => [groupEntity(group_id)],
  });
  const detailed: GetEpisodes['detailed'] = async (groupId, lastN, options) => {
    checkEpisodes(groupId, lastN);
    lastGroup.use(groupId);
    return read.detailed({ group_id: groupId, last_n: lastN }, options);
  };
  const getEpisodes = async (groupId: string, lastN: number, options?: ReadCallOptions) =>
    (await detailed(groupId, lastN, options)).value;
  return Object.assign(getEpisodes, { detailed });
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
