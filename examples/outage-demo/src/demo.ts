/** The demo from its first process to its verdict. */

import { setTimeout as pause } from 'node:timers/promises';
import type { AppStatus } from './app-client.ts';
import type { Backend } from './backend.ts';
import type { Control } from './control.ts';
import { conversations } from './conversation.ts';
import type { LiveView } from './live-view.ts';
import type { Scenario } from './scenario.ts';
import { Stage } from './stage.ts';
import { Tally } from './tally.ts';
import { talk } from './user.ts';
import { type GroupVerdict, verdictOf } from './verdict.ts';

/** What came of the demo. */
export interface DemoResult {
  readonly tally: Tally;
  readonly groups: readonly GroupVerdict[];
  readonly seconds: number;
}

/** What the demo needs. */
export interface DemoOptions {
  readonly scenario: Scenario;
  readonly view: LiveView;
  /** Numbers from 0 to 1, without 1. */
  readonly random: () => number;
  /** Where the app sends its telemetry. */
  readonly backend?: Backend | undefined;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

const groups = conversations.map(({ group }) => group);
/** When it has to be over, drained or not, in ms since it began. */
const drainUntil = 52_000;
/** How often the view is brought up to date, in ms. */
const refresh = 200;

/**
 * Runs it; whatever happens, no process and no file is left.
 *
 * @throws the reason of `signal`, or an error when a process ends that should not
 */
export async function runDemo({
  scenario,
  view,
  random,
  backend,
  signal,
}: DemoOptions): Promise<DemoResult> {
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const tally = new Tally(elapsed);
  const broken = new AbortController();
  const stage = new Stage(
    {
      line: (name, line) => view.tell(elapsed(), `${name}: ${line}`),
      transition(transition) {
        const { breaker, from, to, reason } = transition;
        tally.transition(transition);
        view.tell(elapsed(), `breaker ${breaker}: ${from} → ${to} (${reason})`);
      },
    },
    scenario.environment,
    backend,
  );
  const stop = AbortSignal.any([signal, stage.crashed, broken.signal]);
  const lastResort = () => stage.closeNow();
  process.once('exit', lastResort);
  try {
    return await Promise.race([played(), endOf(stop)]);
  } finally {
    broken.abort();
    await stage.close();
    process.off('exit', lastResort);
  }

  async function played(): Promise<DemoResult> {
    let status: AppStatus | undefined;
    const begin = (phase: string, story: string) => {
      tally.begin(phase);
      view.phase({ story, elapsed: elapsed(), tally, status });
    };
    begin('start', 'the Graphiti server and the app start, each as a process');
    const graphiti = await stage.startGraphiti();
    await stage.startApp();
    const watched = new AbortController();
    const watching = watch(AbortSignal.any([stop, watched.signal]));

    const over = new AbortController();
    const load = AbortSignal.any([over.signal, stop]);
    const users = Promise.all(
      conversations.map((conversation) =>
        talk({ conversation, app: stage.app, tally, random, over: load }),
      ),
    );
    users.catch((error: unknown) => broken.abort(error));
    const tell = (story: string) => view.tell(elapsed(), story);
    await scenario.play({ stage, graphiti, begin, tell, signal: stop });
    begin('drain', 'the users have gone; what is queued is replayed');
    over.abort();
    await users;
    await drained(stage, graphiti);
    watched.abort();
    await watching;
    view.refresh({ elapsed: elapsed(), tally, status: await stage.app.status() });
    const upstream = await graphiti.records(groups);
    const { accepted, uncertain } = tally;
    const seconds = Math.round(elapsed() / 100) / 10;
    return { tally, groups: verdictOf({ accepted, uncertain, upstream }), seconds };

    async function watch(until: AbortSignal): Promise<void> {
      while (!until.aborted) {
        status = await stage.app.status();
        view.refresh({ elapsed: elapsed(), tally, status });
        await pause(refresh, undefined, { signal: until }).catch(() => {});
      }
    }
  }

  async function drained(stage: Stage, graphiti: Control): Promise<void> {
    while (elapsed() < drainUntil) {
      if ((await scenario.isDone(stage.app)) && (await graphiti.pending()) === 0) return;
      await pause(refresh / 2, undefined, { signal: stop });
    }
  }
}

/** Rejects when the signal aborts. */
function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
