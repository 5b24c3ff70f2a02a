/** Messages: the write that Graphiti acknowledges before it does it. */

import type {
  FallbackManager,
  ReconcileContext,
  Reconciliation,
  WriteOperation,
} from '@graphiti-fallback/core';
import { isEpisodes, isResult } from './answer.ts';
import { groupEntity, groupLane } from './group.ts';
import type { Episode, Message, Result } from './model.ts';
import type { Transport } from './transport.ts';

/** One message on its way: the queue holds each by itself. */
export interface OutgoingMessage {
  readonly group_id: string;
  readonly content: string;
  readonly role_type: Message['role_type'];
  readonly role: string | null;
  /** The caller's; without one the message is named by its idempotency key. */
  readonly name?: string;
  /** Fixed at the first try: otherwise a replay would date the memory wrongly. */
  readonly timestamp: string;
  readonly source_description?: string;
}

/** Names of messages that are given by the kit begin like this. */
const namePrefix = 'gf:';
/**
 * How many episodes are looked through for a message that may have arrived. Its lane waits for it, so
 * what is newer came from elsewhere; this leaves room for a lot of it at the price of one answer.
 */
const lookedThrough = 100;

/** Makes a caller's message ready to be sent at any time. */
export function outgoing(group_id: string, message: Message, now: number): OutgoingMessage {
  const { content, role_type, role = null, name, timestamp, source_description } = message;
  return {
    group_id,
    content,
    role_type,
    role,
    ...(name !== undefined && { name }),
    timestamp: timestamp ?? new Date(now).toISOString(),
    ...(source_description !== undefined && { source_description }),
  };
}

/** Declares `graphiti.add_message` on a manager. */
export function declareMessages(
  manager: FallbackManager,
  transport: Transport,
  options: { readonly timeoutMs: number; readonly reconcileFor: number | undefined },
): WriteOperation<OutgoingMessage, Result> {
  return manager.write('graphiti.add_message', {
    run: ({ group_id, ...message }: OutgoingMessage, { signal, idempotencyKey }) => {
      const named = { ...message, name: message.name ?? `${namePrefix}${idempotencyKey}` };
      const body = { group_id, messages: [named] };
      return transport({ method: 'POST', path: '/messages', body, signal, accepts: isResult });
    },
    reconcile: (message, context) => lookFor(transport, message, context),
    entity: ({ group_id }) => groupEntity(group_id),
    lane: ({ group_id }) => groupLane(group_id),
    timeoutMs: options.timeoutMs,
    ...(options.reconcileFor !== undefined && { reconcileFor: options.reconcileFor }),
  });
}

/** Absence proves nothing: the message may wait in Graphiti's memory. The core waits before it sends again. */
async function lookFor(
  transport: Transport,
  message: OutgoingMessage,
  { signal, idempotencyKey }: ReconcileContext,
): Promise<Reconciliation> {
  const path = `/episodes/${encodeURIComponent(message.group_id)}?last_n=${lookedThrough}`;
  const episodes = await transport({ method: 'GET', path, signal, accepts: isEpisodes });
  const isIt =
    message.name === undefined
      ? ({ name }: Episode) => name === `${namePrefix}${idempotencyKey}`
      : (episode: Episode) => isSame(episode, message);
  return episodes.some(isIt) ? 'applied' : 'absent';
}

/** A caller's name may repeat: then text and time must be the same, too. */
function isSame(
  episode: Episode,
  { name, role, role_type, content, timestamp }: OutgoingMessage,
): boolean {
  return (
    episode.name === name &&
    episode.content === `${role ?? ''}(${role_type}): ${content}` &&
    Date.parse(episode.valid_at) === Date.parse(timestamp)
  );
}
