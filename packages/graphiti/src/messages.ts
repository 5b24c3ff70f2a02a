/** Messages: the write that Graphiti acknowledges before it does it. */

import type {
  CallOptions,
  FallbackManager,
  Receipt,
  ReconcileContext,
  Reconciliation,
} from '@graphiti-fallback/core';
import { isResult } from './answer.ts';
import { groupEntity, groupLane } from './group.ts';
import { checkMessages } from './input.ts';
import type { Episode, Message, Result } from './model.ts';
import type { Parts } from './parts.ts';
import { requestEpisodes } from './requests.ts';
import { createTimestamps, microseconds } from './timestamp.ts';
import type { Transport } from './transport.ts';

/** Adds messages to a group, in order. */
export type AddMessages = (
  groupId: string,
  messages: readonly Message[],
  options?: CallOptions,
) => Promise<Receipt<Result>>;

/** One message on its way: the queue holds each by itself. */
interface OutgoingMessage {
  readonly group_id: string;
  readonly message: Message;
  /** When it was given to the client: replayed hours later, it must not be dated then. Never the same twice. */
  readonly givenAt: string;
}

/** Names of messages that are given by the kit begin like this. */
const namePrefix = 'gf:';
/**
 * How many episodes are looked through for a message that may have arrived. Its lane waits for it, so
 * what is newer came from elsewhere; this leaves room for a lot of it at the price of one answer.
 */
const lookedThrough = 100;

/** Declares `graphiti.add_message` on a manager. */
export function declareMessages(
  manager: FallbackManager,
  { transport, lastGroup, messageTimeoutMs, reconcileFor }: Parts,
): AddMessages {
  const nextTimestamp = createTimestamps();
  const write = manager.write('graphiti.add_message', {
    run: (outgoing: OutgoingMessage, { signal, idempotencyKey }) => {
      const body = { group_id: outgoing.group_id, messages: [sent(outgoing, idempotencyKey)] };
      return transport({ method: 'POST', path: '/messages', body, signal, accepts: isResult });
    },
    reconcile: (message, context) => lookFor(transport, message, context),
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

/** The same at every attempt. */
function sent({ message, givenAt }: OutgoingMessage, key: string): Message {
  const { content, role_type, role, name, timestamp, source_description } = message;
  return {
    content,
    role_type,
    // Optional in the types, but Graphiti wants the key.
    role: role ?? null,
    name: name ?? `${namePrefix}${key}`,
    timestamp: timestamp ?? givenAt,
    ...(source_description !== undefined && { source_description }),
  };
}

/** Absence proves nothing: the message may wait in Graphiti's memory. The core waits before it sends again. */
async function lookFor(
  transport: Transport,
  outgoing: OutgoingMessage,
  { signal, idempotencyKey }: ReconcileContext,
): Promise<Reconciliation> {
  const isIt = markOf(outgoing, idempotencyKey);
  if (!isIt) return 'absent';
  const query = { group_id: outgoing.group_id, last_n: lookedThrough };
  const episodes = await requestEpisodes(transport, query, { signal });
  return episodes.some(isIt) ? 'applied' : 'absent';
}

/**
 * How a message is known again. The kit's own name is unique. A caller's name may repeat, and so may
 * what was said: only with a time of ours, which never repeats, do they prove anything. With a time of
 * the caller's nothing does: sent again, a message may be there twice; taken for another, it is lost.
 */
function markOf(
  { message, givenAt }: OutgoingMessage,
  key: string,
): ((episode: Episode) => boolean) | undefined {
  const { name, timestamp, role, role_type, content } = message;
  if (name === undefined) return (episode) => episode.name === `${namePrefix}${key}`;
  if (timestamp !== undefined) return undefined;
  const said = `${role ?? ''}(${role_type}): ${content}`;
  const at = microseconds(givenAt);
  return (episode) =>
    episode.name === name && episode.content === said && microseconds(episode.valid_at) === at;
}
