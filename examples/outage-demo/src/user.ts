/** A user: tells the app a conversation message by message, and looks things up in between. */

import { setTimeout as pause } from 'node:timers/promises';
import type { AppClient } from './app-client.ts';
import type { Conversation, Line } from './conversation.ts';
import type { Tally } from './tally.ts';

/** What a user needs. */
export interface UserOptions {
  readonly conversation: Conversation;
  readonly app: AppClient;
  readonly tally: Tally;
  /** Numbers from 0 to 1, without 1. */
  readonly random: () => number;
  /** The load is over: what is under way still ends. */
  readonly over: AbortSignal;
}

/** Time between two messages of a user, in ms, give or take 40 %. */
const betweenMessages = 620;
/** How long a user waits before trying a message again that was not accepted, in ms. */
const beforeRepeat = 250;

/** Talks until the conversation has been told, then only reads, until the load is over. */
export async function talk(options: UserOptions): Promise<void> {
  const { conversation, random, over } = options;
  await readEverything(options);
  for (const [index, line] of conversation.lines.entries()) {
    await say(line, options);
    await read(index, options);
    if (over.aborted) return;
    await rest(betweenMessages * (0.6 + 0.8 * random()), over);
  }
  for (let index = 0; !over.aborted; index += 1) {
    await read(index, options);
    await rest(betweenMessages, over);
  }
}

/** The next message comes only when this one was accepted: that is the order to keep. */
async function say(line: Line, { conversation, app, tally, over }: UserOptions): Promise<void> {
  const { group } = conversation;
  while (!over.aborted) {
    const reply = await app.say(group, line);
    tally.wrote(group, line.content, reply);
    if (reply.kind === 'answer' && reply.status < 300) return;
    if (reply.kind === 'answer' && reply.status < 500)
      throw new Error(`The app answered ${reply.status} to a message of ${group}`);
    await rest(beforeRepeat, over);
  }
}

async function read(index: number, { conversation, app, tally }: UserOptions): Promise<void> {
  const { group, queries } = conversation;
  const query = queries[index % queries.length];
  const reply =
    index % 3 === 0 || query === undefined
      ? await app.episodes(group, 10)
      : await app.search(group, query);
  tally.read(reply);
}

/** A page that opens shows it all: after that, all of it has been cached. */
async function readEverything({ conversation, app, tally }: UserOptions): Promise<void> {
  const { group, queries } = conversation;
  tally.read(await app.episodes(group, 10));
  for (const query of queries) tally.read(await app.search(group, query));
}

async function rest(ms: number, over: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal: over }).catch(() => {});
}
