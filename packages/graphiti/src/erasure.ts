/** Erasures: of a group, and of everything. They are confirmed, and never queued: hours later nobody means them. */

import {
  type CallOptions,
  FallbackError,
  type FallbackManager,
  type Receipt,
} from '@graphiti-fallback/core';
import { isResult } from './answer.ts';
import { erase } from './erasing.ts';
import { anyGroup, groupEntity, groupLane } from './group.ts';
import { checkClear, checkGroupDeletion } from './input.ts';
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
      return erase(manager, {
        groupId: group_id,
        signal,
        send: () => transport({ method: 'DELETE', path, signal, accepts: isResult }),
        forgetAnswers() {
          manager.cache.remove(anyGroup);
          lastGroup.forget(group_id);
        },
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
    // At once where that is known: what is called after it must not come before it.
    if (!manager.queue.opened) await wholeQueue(manager);
    return write({ group_id: groupId }, options);
  };
}

/** Declares `graphiti.clear` on a manager. */
export function declareClear(manager: FallbackManager, { transport, lastGroup }: Parts): Clear {
  const write = manager.write<void, Result>('graphiti.clear', {
    run: (_nothing, { signal }) =>
      erase(manager, {
        groupId: undefined,
        signal,
        send: () => transport({ method: 'POST', path: '/clear', signal, accepts: isResult }),
        forgetAnswers() {
          manager.cache.clear();
          lastGroup.forget();
        },
      }),
    idempotent: false,
    replayable: false,
  });

  return async function clear({ confirm, ...options } = {} as ClearOptions) {
    checkClear(confirm);
    if (!manager.queue.opened) await wholeQueue(manager);
    const { size } = manager.status().queue;
    if (size === 0) return write(undefined, options);
    throw refused(
      manager,
      `Nothing is cleared while ${size} queued operations wait: they would be applied afterwards`,
    );
  };
}

/** What an earlier process left counts, too. @throws {FallbackError} while nobody knows what that is */
async function wholeQueue(manager: FallbackManager): Promise<void> {
  await manager.open();
  if (manager.queue.opened) return;
  throw refused(
    manager,
    'Nothing is erased while the store of the queue is not open: what it holds would be applied afterwards',
  );
}

function refused({ retryAfterMs }: FallbackManager, message: string): FallbackError {
  return new FallbackError('FALLBACK_UNAVAILABLE', message, { retryAfterMs });
}
