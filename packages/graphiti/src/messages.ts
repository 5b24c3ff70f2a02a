/** Messages: the write that Graphiti acknowledges before it does it. */

import type {
  AcceptedWrite,
  CallContext,
  CallOptions,
  FallbackManager,
  Receipt,
  ReconcileContext,
  Reconciliation,
} from '@graphiti-fallback/core';
import { isResult } from './answer.ts';
import { createArrivals, type LookForArrivals } from './arrivals.ts';
import { groupEntity, groupLane } from './group.ts';
import { checkMessages } from './input.ts';
import { addMessage, keyOf, markOf, type OutgoingMessage, sent } from './message.ts';
import type { Episode, Message, Result } from './model.ts';
import type { Parts } from './parts.ts';
import { createTimestamps } from './timestamp.ts';

/** Adds messages to a group, in order. */
export type AddMessages = (
  groupId: string,
  messages: readonly Message[],
  options?: CallOptions,
) => Promise<Receipt<Result>>;

/** Looks before a message is sent again, where the first ones do not reach far enough. */
const mostLooks = 5;
/** Graphiti shows a message only when the time that it is dated has come; clocks differ by so much, in ms. */
const clockSkew = 5_000;

/** Declares `graphiti.add_message` on a manager. */
export function declareMessages(
  manager: FallbackManager,
  { transport, lastGroup, messageTimeoutMs, reconcileFor, confirm }: Parts,
): AddMessages {
  const nextTimestamp = createTimestamps();
  const look = createArrivals(transport);
  const write = manager.write(addMessage, {
    run: (outgoing: OutgoingMessage, { signal, idempotencyKey }) => {
      const body = { group_id: outgoing.group_id, messages: [sent(outgoing, idempotencyKey)] };
      return transport({ method: 'POST', path: '/messages', body, signal, accepts: isResult });
    },
    reconcile: createReconcile(look),
    ...(confirm && {
      confirm: {
        ...confirm,
        together: ({ group_id }: OutgoingMessage) => group_id,
        applies: isShown,
        // A clock that was wrong when the message was dated, and has been set right since.
        shownAt: ({ message: { timestamp }, givenAt }: OutgoingMessage) =>
          Date.parse(timestamp ?? givenAt),
        look: async (messages: readonly AcceptedWrite<OutgoingMessage>[], context: CallContext) =>
          (await look(messages, context)).seen,
      },
    }),
    entity: ({ group_id }) => groupEntity(group_id),
    lane: ({ group_id }) => groupLane(group_id),
    timeoutMs: messageTimeoutMs,
    ...(reconcileFor !== undefined && { reconcileFor }),
  });

  return async function addMessages(groupId, messages, options) {
    checkMessages(groupId, messages);
    lastGroup.use(groupId);
    const outgoing = messages.map((message) => ({
      group_id: groupId,
      message,
      givenAt: nextTimestamp(),
    }));
    return write.all(outgoing, options);
  };
}

/** One that is dated in the future is not shown before. */
function isShown({ message: { timestamp } }: OutgoingMessage): boolean {
  return timestamp === undefined || Date.parse(timestamp) <= Date.now() + clockSkew;
}

/** Absence proves nothing: the message may wait in Graphiti's memory. The core waits before it sends again. */
function createReconcile(look: LookForArrivals) {
  return async function reconcile(
    input: OutgoingMessage,
    { signal, idempotencyKey: id }: ReconcileContext,
  ): Promise<Reconciliation> {
    if (!markOf(input, id)) return 'absent';
    for (let looks = 0; looks < mostLooks; looks += 1) {
      const { seen, further } = await look([{ id, input }], { signal });
      if (seen.length > 0) return 'applied';
      if (!further) break;
    }
    return 'absent';
  };
}

/** Messages that were read are there: nobody has to look for them any more. */
export function confirmRead(manager: FallbackManager, episodes: readonly Episode[]): void {
  for (const { name } of episodes) {
    const id = keyOf(name);
    const state = id === undefined ? undefined : manager.queue.get(id)?.state;
    if (id !== undefined && isAccepted(state)) void manager.queue.ack(id);
  }
}

function isAccepted(state: string | undefined): boolean {
  return state === 'accepted' || state === 'unconfirmed';
}
