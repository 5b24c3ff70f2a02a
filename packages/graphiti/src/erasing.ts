/**
 * What an erasure means for the messages that Graphiti has acknowledged and that nobody has seen there yet.
 *
 * Erased is what was acknowledged before: it is forgotten once Graphiti says that the erasure has happened,
 * and not before, since it may be all that there is of a message. From the moment that the erasure is sent
 * none of it is sent again by itself: nobody wants back what was erased. Where nobody can tell whether it
 * happened, each is looked for still, and ends as confirmed or unconfirmed: an empty group proves nothing,
 * since others may have emptied it. What is said meanwhile is nobody's to forget.
 */

import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import {
  classify,
  type Doubt,
  type FallbackManager,
  type OperationState,
} from '@graphiti-fallback/core';
import { forgetEntityNodes } from './entity-node.ts';
import { addMessage, type OutgoingMessage } from './message.ts';

/** One erasure. */
interface Erasure<T> {
  /** The group; `undefined`: all of them. */
  readonly groupId: string | undefined;
  readonly signal: AbortSignal;
  readonly send: () => Promise<T>;
  /** What Graphiti said before is not known to hold any more. */
  readonly forgetAnswers: () => void;
}

/** How long a store is waited for before an erasure is sent, in ms. */
const longestStoring = 1_000;

/** What an erasure that happened takes along. */
const gone = ['accepted', 'unconfirmed'] as const;

const isGone = (state: string | undefined) => gone.some((each) => each === state);

/** Sends an erasure, and does what follows from it. */
export async function erase<T>(
  manager: FallbackManager,
  { groupId, signal, send, forgetAnswers }: Erasure<T>,
): Promise<T> {
  const before = messagesOf(manager, groupId, gone);
  const doubt = doubtAll();
  await soon(doubt.stored);
  let sent = false;
  try {
    signal.throwIfAborted();
    sent = true;
    const value = await send();
    follow();
    void forget(manager, before, groupId);
    // By then it holds here; a slow store must not make unknown what is known.
    await setImmediate();
    return value;
  } catch (error) {
    if (sent && (signal.aborted || classify(error).applied === 'maybe')) follow();
    else void doubt.withdraw();
    throw error;
  }

  /** Nobody knows what Graphiti does first: what is on its way may be erased, too. */
  function doubtAll(): Doubt {
    const messages = messagesOf(manager, groupId, [...gone, 'in_flight']);
    return manager.queue.doubt(messages.map(({ id }) => id));
  }

  function follow(): void {
    forgetAnswers();
    doubtAll();
  }
}

/** A message that is here. */
interface KnownMessage {
  readonly id: string;
  readonly group: string;
}

function messagesOf(
  manager: FallbackManager,
  groupId: string | undefined,
  states: readonly OperationState[],
): readonly KnownMessage[] {
  return manager.queue
    .list({ states })
    .filter(({ operation }) => operation === addMessage)
    .map(({ id, input }) => ({ id, group: (input as unknown as OutgoingMessage).group_id }))
    .filter(({ group }) => groupId === undefined || group === groupId);
}

/**
 * Graphiti has erased a group, or all: nobody wants to see these messages any more, nor to send them again.
 * Holds at once, and is stored soon. Never rejects.
 */
async function forget(
  manager: FallbackManager,
  messages: readonly KnownMessage[],
  groupId: string | undefined,
): Promise<void> {
  const { queue } = manager;
  // What a person has had sent again meanwhile is wanted.
  const here = messages.filter(({ id }) => isGone(queue.get(id)?.state));
  await Promise.allSettled([
    ...here.map(({ id }) => queue.decide(id, 'purge')),
    forgetEntityNodes(manager, groupId),
  ]);
}

/** Never rejects: what a store cannot do, the manager says as an event. */
async function soon(storing: Promise<unknown>): Promise<void> {
  const ended = new AbortController();
  const late = delay(longestStoring, undefined, { signal: ended.signal });
  await Promise.race([storing, late]).catch(() => {});
  ended.abort();
}
