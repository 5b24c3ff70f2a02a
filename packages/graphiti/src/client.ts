/** The client: Graphiti's calls as an app makes them. */

import type { FallbackManager } from '@graphiti-fallback/core';
import { createGetHealth, type GetHealth } from './capability.ts';
import { type Delete, declareDeleteEntityEdge, declareDeleteEpisode } from './deletion.ts';
import { declareEntityEdge, type GetEntityEdge } from './entity-edge.ts';
import {
  type AddEntityNode,
  createGetPendingEntity,
  declareEntityNode,
  type GetPendingEntity,
} from './entity-node.ts';
import { declareEpisodes, type GetEpisodes } from './episodes.ts';
import { type Clear, type DeleteGroup, declareClear, declareDeleteGroup } from './erasure.ts';
import { createHealthcheck, type Healthcheck } from './healthcheck.ts';
import { declareMemory, type GetMemory } from './memory.ts';
import { type AddMessages, declareMessages } from './messages.ts';
import type { Parts } from './parts.ts';
import { createProbe, type Probe } from './probe.ts';
import { declareSearch, type Search } from './search.ts';

/** Graphiti through fallback. Invalid input is refused before anything is sent: `FALLBACK_INVALID_INPUT`. */
export interface GraphitiClient {
  /** Facts that answer a question, best first. */
  readonly search: Search;
  /** Facts that matter to a conversation of a group, best first. */
  readonly getMemory: GetMemory;
  /** One fact. */
  readonly getEntityEdge: GetEntityEdge;
  /** The newest `lastN` messages of a group, oldest first. */
  readonly getEpisodes: GetEpisodes;
  /** Adds messages to a group, in order. Graphiti takes them in later. */
  readonly addMessages: AddMessages;
  /** Creates an entity node, or overwrites the one with its `uuid`. */
  readonly addEntityNode: AddEntityNode;
  /** An entity node that waits in the queue: Graphiti itself gives none back. */
  readonly getPendingEntity: GetPendingEntity;
  /** Deletes a fact. Without its `groupId` only while Graphiti is there. */
  readonly deleteEntityEdge: Delete;
  /** Deletes a message, and the facts that it stated first. Without its `groupId` only while Graphiti is there. */
  readonly deleteEpisode: Delete;
  /** Erases a group; never queued, and refused while writes of the group are. */
  readonly deleteGroup: DeleteGroup;
  /** Erases everything; never queued, and refused while any write is. */
  readonly clear: Clear;
  /** Asks the server whether it lives, past all fallback. It says so even when it loses messages. */
  readonly healthcheck: Healthcheck;
  /** How Graphiti is, as calls and checks have shown it: `live`, `search_degraded`, `ingest_stalled` or `down`. It asks nobody. */
  readonly health: GetHealth;
  /** Tries out what Graphiti can do now, past all fallback. Throws for no failure of Graphiti. */
  readonly probe: Probe;
}

/** Declares Graphiti's operations on a manager, and gives the client for them. */
export function createClient(manager: FallbackManager, parts: Parts): GraphitiClient {
  return {
    search: declareSearch(manager, parts),
    getMemory: declareMemory(manager, parts),
    getEntityEdge: declareEntityEdge(manager, parts),
    getEpisodes: declareEpisodes(manager, parts),
    addMessages: declareMessages(manager, parts),
    addEntityNode: declareEntityNode(manager, parts),
    getPendingEntity: createGetPendingEntity(manager),
    deleteEntityEdge: declareDeleteEntityEdge(manager, parts),
    deleteEpisode: declareDeleteEpisode(manager, parts),
    deleteGroup: declareDeleteGroup(manager, parts),
    clear: declareClear(manager, parts),
    healthcheck: createHealthcheck(parts),
    health: createGetHealth(manager),
    probe: createProbe(parts),
  };
}
