/** Erasures: of a group, and of everything. They are confirmed, and never queued: hours later nobody means them. */

import {
  type CallOptions,
  classify,
  FallbackError,
  type FallbackManager,
  type Receipt,
} from '@graphiti-fallback/core';
import { isResult } from './answer.ts';
import { forgetEntityNodes } from './entity-node.ts';
import { anyGroup, groupEntity, groupLane } from './group.ts';
import { checkClear, checkGroupDeletion } from './input.ts';
import { forgetMessages } from './messages.ts';
import type { Result } from './model.ts';
import type { Parts } from './parts.ts';

/** What erasing a group has to be told. */
export interface DeleteGroupOptions extends CallOptions {
  /** The group's id once more. */
  readonly confirm: string;
}

/** What erasing everything has to be told. */
export interface ClearOptions extends CallOptions {
  readonly confirm: 'CLEAR ALL';
}

/** Erases a group. */
export type DeleteGroup = (
  groupId: string,
  options: DeleteGroupOptions,
) => Promise<Receipt<Result>>;

/** Erases everything. */
export type Clear = (options: ClearOptions) => Promise<Receipt<Result>>;

/** Declares `graphiti.delete_group` on a manager. */
export function declareDeleteGroup(
  manager: FallbackManager,
  { transport, lastGroup }: Parts,
): DeleteGroup {
  const write = manager.write('graphiti.delete_group', {
    run: ({ group_id }: { readonly group_id: string }, { signal }) => {
      const path = `/group/${encodeURIComponent(group_id)}`;
      const sent = transport({ method: 'DELETE', path, signal, accepts: isResult });
      return afterwards(sent, () => {
        manager.cache.remove(anyGroup);
        lastGroup.forget(group_id);
        return forgotten(manager, group_id);
      });
    },
    entity: ({ group_id }) => groupEntity(group_id),
    effect: 'delete',
    lane: ({ group_id }) => groupLane(group_id),
    // Sent again it would take along what somebody wrote in between.
    idempotent: false,
    replayable: false,
  });

  return async function deleteGroup(groupId, { confirm, ...options } = {} as DeleteGroupOptions) {
    checkGroupDeletion(groupId, confirm);
    return write({ group_id: groupId }, options);
  };
}

/** Declares `graphiti.clear` on a manager. */
export function declareClear(manager: FallbackManager, { transport, lastGroup }: Parts): Clear {
  const write = manager.write<void, Result>('graphiti.clear', {
    run: (_nothing, { signal }) => {
      const sent = transport({ method: 'POST', path: '/clear', signal, accepts: isResult });
      return afterwards(sent, () => {
        manager.cache.clear();
        lastGroup.forget();
        return forgotten(manager);
      });
    },
    idempotent: false,
    replayable: false,
  });

  return async function clear({ confirm, ...options } = {} as ClearOptions) {
    checkClear(confirm);
    // What an earlier process left counts, too.
    await manager.open();
    const { size } = manager.status().queue;
    if (size === 0) return write(undefined, options);
    const message = `Nothing is cleared while ${size} queued operations wait: they would be applied afterwards`;
    throw new FallbackError('FALLBACK_UNAVAILABLE', message, {
      retryAfterMs: manager.retryAfterMs,
    });
  };
}

/** What is here of a group, or of all, that Graphiti has erased. */
async function forgotten(manager: FallbackManager, groupId?: string): Promise<void> {
  await forgetMessages(manager, groupId);
  await forgetEntityNodes(manager, groupId);
}

/** Does what follows from an erasure, also from one that may have happened. */
async function afterwards<T>(erasure: Promise<T>, follow: () => Promise<void>): Promise<T> {
  let value: T;
  try {
    value = await erasure;
  } catch (error) {
    if (classify(error).applied === 'maybe') await quietly(follow());
    throw error;
  }
  await quietly(follow());
  return value;
}

/** What a store cannot forget, the manager says as an event; what Graphiti did stays done. */
function quietly(following: Promise<void>): Promise<void> {
  return following.catch(() => {});
}
