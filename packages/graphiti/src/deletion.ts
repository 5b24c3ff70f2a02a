/** Deletions of one thing by its `uuid`. */

import type {
  CallOptions,
  Entity,
  FallbackManager,
  Receipt,
  WriteContext,
} from '@graphiti-fallback/core';
import { isResult } from './answer.ts';
import { edgeEntity, episodeEntity } from './entity.ts';
import { groupLane } from './group.ts';
import { checkDeletion } from './input.ts';
import type { Result } from './model.ts';
import type { Parts } from './parts.ts';

/** What a deletion may be told. */
export interface DeletionOptions extends CallOptions {
  /**
   * The group that the thing is in, which Graphiti does not ask for: it puts the deletion in order with
   * the group's other writes, so that it can be queued. Without it a deletion is only ever sent live.
   */
  readonly groupId?: string | undefined;
}

/** Deletes one thing. Graphiti answers 404 where there is none. */
export type Delete = (uuid: string, options?: DeletionOptions) => Promise<Receipt<Result>>;

/** One kind of thing that can be deleted. */
interface Deletable {
  /** Its call in the client. */
  readonly call: string;
  readonly operation: string;
  readonly path: string;
  readonly entity: (uuid: string) => Entity;
}

/** The queued deletion of a fact, and of a message. */
export const deleteEntityEdge = 'graphiti.delete_entity_edge';
export const deleteEpisode = 'graphiti.delete_episode';

interface Doomed {
  readonly uuid: string;
}

/** Declares `graphiti.delete_entity_edge` and `graphiti.delete_entity_edge_live` on a manager. */
export function declareDeleteEntityEdge(manager: FallbackManager, parts: Parts): Delete {
  return declareDeletion(manager, parts, {
    call: 'deleteEntityEdge',
    operation: deleteEntityEdge,
    path: 'entity-edge',
    entity: edgeEntity,
  });
}

/** Declares `graphiti.delete_episode` and `graphiti.delete_episode_live` on a manager. */
export function declareDeleteEpisode(manager: FallbackManager, parts: Parts): Delete {
  return declareDeletion(manager, parts, {
    call: 'deleteEpisode',
    operation: deleteEpisode,
    path: 'episode',
    entity: episodeEntity,
  });
}

/** Two operations: `…_live` belongs to no lane, so that there is no place for it in the queue. */
function declareDeletion(
  manager: FallbackManager,
  { transport, lastGroup }: Parts,
  { call, operation, path, entity }: Deletable,
): Delete {
  const deletion = {
    run: ({ uuid }: Doomed, { signal }: WriteContext) =>
      transport({
        method: 'DELETE',
        path: `/${path}/${encodeURIComponent(uuid)}`,
        signal,
        accepts: isResult,
      }),
    entity: ({ uuid }: Doomed) => entity(uuid),
    effect: 'delete',
    idempotent: true,
  } as const;
  const ordered = manager.write(operation, {
    ...deletion,
    lane: ({ group_id }: Doomed & { readonly group_id: string }) => groupLane(group_id),
  });
  const live = manager.write(`${operation}_live`, {
    ...deletion,
    lane: null,
    replayable: false,
  });

  return async function deleteOne(uuid, { groupId, ...options } = {}) {
    checkDeletion(call, uuid, groupId);
    if (groupId === undefined) return live({ uuid }, options);
    lastGroup.use(groupId);
    return ordered({ uuid, group_id: groupId }, options);
  };
}
