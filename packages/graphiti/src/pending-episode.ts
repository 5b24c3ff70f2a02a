/** Messages that are here and not in Graphiti yet, as they will look there. */

import type { PendingWrite } from '@graphiti-fallback/core';
import {
  acceptedMarkOf,
  addMessage,
  contentOf,
  markOf,
  nameOf,
  type OutgoingMessage,
} from './message.ts';
import type { Episode } from './model.ts';
import { visibleEpisodes } from './tombstone.ts';

/**
 * Lays what is pending over the newest messages of a group: what is being deleted is hidden, what was
 * said and is not among them comes at the end. Nothing where there is nothing of both.
 */
export function withPending(
  episodes: readonly Episode[] | undefined,
  pending: readonly PendingWrite[],
  lastN: number,
): readonly Episode[] | undefined {
  const there = visibleEpisodes(episodes ?? [], pending);
  const said = pending.flatMap((write) => pendingEpisode(write, there) ?? []);
  if (said.length === 0 && there.length === (episodes?.length ?? 0)) return episodes;
  return [...there, ...said].slice(-lastN);
}

function pendingEpisode(
  { id, operation, input, accepted }: PendingWrite,
  there: readonly Episode[],
): Episode | undefined {
  if (operation !== addMessage) return undefined;
  const outgoing = input as OutgoingMessage;
  const isIt = accepted ? acceptedMarkOf(outgoing, id) : markOf(outgoing, id);
  if (isIt && there.some(isIt)) return undefined;
  const { group_id, message, givenAt } = outgoing;
  const { name, timestamp, source_description } = message;
  return {
    uuid: id,
    name: name ?? nameOf(id),
    group_id,
    labels: [],
    created_at: givenAt,
    source: 'message',
    source_description: source_description ?? '',
    content: contentOf(message),
    valid_at: timestamp ?? givenAt,
    entity_edges: [],
    pending: true,
  };
}
