/** One message on its way: how it is sent, and how it is known again in Graphiti. */

import type { Episode, Message } from './model.ts';
import { microseconds } from './timestamp.ts';

/** The operation that sends one. */
export const addMessage = 'graphiti.add_message';

/** One message on its way: the queue holds each by itself. */
export interface OutgoingMessage {
  readonly group_id: string;
  readonly message: Message;
  /** When it was given to the client: replayed hours later, it must not be dated then. Never the same twice. */
  readonly givenAt: string;
}

const namePrefix = 'gf:';

/** The name that the kit gives a message, of its operation's id. */
export function nameOf(key: string): string {
  return `${namePrefix}${key}`;
}

/** The operation's id in a name that the kit gave. */
export function keyOf(name: string): string | undefined {
  return name.startsWith(namePrefix) ? name.slice(namePrefix.length) : undefined;
}

/** What is sent: the same at every attempt. */
export function sent({ message, givenAt }: OutgoingMessage, key: string): Message {
  const { content, role_type, role, name, timestamp, source_description } = message;
  return {
    content,
    role_type,
    // Optional in the types, but Graphiti wants the key.
    role: role ?? null,
    name: name ?? nameOf(key),
    timestamp: timestamp ?? givenAt,
    ...(source_description !== undefined && { source_description }),
  };
}

/** Its text as Graphiti stores it. */
export function contentOf({ role, role_type, content }: Message): string {
  return `${role ?? ''}(${role_type}): ${content}`;
}

/**
 * How a message is known again. The kit's own name is unique. A caller's name may repeat, and so may
 * what was said: only with a time of ours, which never repeats, do they prove anything. With a time of
 * the caller's nothing does: sent again, a message may be there twice; taken for another, it is lost.
 */
export function markOf(
  { message, givenAt }: OutgoingMessage,
  key: string,
): ArrivalMark | undefined {
  const { name, timestamp } = message;
  if (name === undefined) return (episode) => episode.name === nameOf(key);
  if (timestamp !== undefined) return undefined;
  return saidAt(message, givenAt);
}

/** Whether an episode is the message that was sent. */
export type ArrivalMark = (episode: Episode) => boolean;

/**
 * How a message that was acknowledged is known again. With a name and a time of the caller's an equal one
 * is taken for it: whichever of them arrived, it was said.
 */
export function acceptedMarkOf(outgoing: OutgoingMessage, key: string): ArrivalMark {
  return markOf(outgoing, key) ?? saidAt(outgoing.message, outgoing.message.timestamp ?? '');
}

function saidAt(message: Message, time: string): ArrivalMark {
  const key = keyAt(message, time);
  return (episode) => episode.name === message.name && episodeKey(episode) === key;
}

/** What an episode of a caller's name is known again by. */
export function episodeKey({ name, content, valid_at }: Episode): string {
  return JSON.stringify([name, content, microseconds(valid_at)]);
}

/** The same of an acknowledged message with a caller's name. */
export function acceptedKeyOf({ message, givenAt }: OutgoingMessage): string {
  return keyAt(message, message.timestamp ?? givenAt);
}

function keyAt(message: Message, time: string): string {
  return JSON.stringify([message.name, contentOf(message), microseconds(time)]);
}
