/** Users who tell the app one message after the other, and look things up in between. */

import { setTimeout as pause } from 'node:timers/promises';
import type { AppClient, Reply } from 'outage-demo/app-client';

/** A message that the app accepted. */
interface Accepted {
  readonly group: string;
  readonly content: string;
  readonly queued: boolean;
}

/** What the users saw. */
export class Seen {
  /** In the order of acceptance. */
  readonly accepted: Accepted[] = [];
  /** Messages whose answer was lost, once for each time: they may be upstream once more. */
  readonly uncertain: string[] = [];
  requests = 0;
  stale = 0;
  /** Requests that were answered with an error, or not at all. */
  failed = 0;
}

interface LoadOptions {
  readonly app: AppClient;
  readonly groups: readonly string[];
  readonly seen: Seen;
  readonly random: () => number;
  /** Resolves when users may go on; they stand still while somebody measures. */
  readonly turn: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** Time between two messages of a user, in ms. */
const between = { least: 20, most: 300 };
/** How long a user waits before trying a message again that was not accepted, in ms. */
const beforeRepeat = 200;
const topics = ['harbour', 'bicycles', 'the new kitchen', 'trains', 'a violin', 'the garden'];

/** Talks until the signal. The next message comes only when this one was accepted: that is the order to keep. */
export async function load(options: LoadOptions): Promise<void> {
  await Promise.all(options.groups.map((group) => talk(group, options)));
}

async function talk(group: string, options: LoadOptions): Promise<void> {
  const { app, seen, random, turn, signal } = options;
  for (let number = 1; !signal.aborted; number += 1) {
    const topic = topics[number % topics.length];
    const content = `${group} says its sentence number ${number}, which is about ${topic}`;
    await say(group, content, options);
    await turn();
    if (signal.aborted) return;
    const read =
      number % 2 === 0 ? await app.episodes(group, 10) : await app.search(group, String(topic));
    seen.requests += 1;
    if (!isGood(read)) seen.failed += 1;
    else if (read.kind === 'answer' && read.stale) seen.stale += 1;
    await pause(between.least + random() * (between.most - between.least));
    await turn();
  }
}

async function say(group: string, content: string, { app, seen, turn, signal }: LoadOptions) {
  while (!signal.aborted) {
    const reply = await app.say(group, { role: group, role_type: 'user', content });
    seen.requests += 1;
    if (reply.kind === 'lost') seen.uncertain.push(content);
    if (reply.kind === 'answer' && reply.status < 300) {
      seen.accepted.push({ group, content, queued: reply.outcome === 'queued' });
      return;
    }
    seen.failed += 1;
    if (reply.kind === 'answer' && reply.status === 504) seen.uncertain.push(content);
    await pause(beforeRepeat);
    await turn();
  }
}

function isGood(reply: Reply): boolean {
  return reply.kind === 'answer' && reply.status < 300;
}
