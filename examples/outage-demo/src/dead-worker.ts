/** Graphiti's ingestion worker dies: it goes on answering 202 and `healthy`, and stores nothing until it is restarted. */

import { setTimeout as pause } from 'node:timers/promises';
import type { PlayOptions, Scenario } from './scenario.ts';

/** What the app said while the worker was dead. */
interface Stall {
  /** Whether it reported `ingest_stalled`. */
  readonly reported: boolean;
  /** How long after the worker's death it did, in seconds. */
  readonly afterSeconds: number;
  /** Messages that it reported as unconfirmed by then. */
  readonly unconfirmed: number;
  /** What Graphiti's own healthcheck said then. */
  readonly healthcheck: string;
}

/** A message has to be seen within so many seconds; the default is ten minutes. */
export const confirmWithin = 5;
/** How long all is well at first, in ms. */
const warmUp = 4_000;
/** How long the app may take to find out, in ms: the deadline, a look, and time for a busy machine. */
const foundOutWithin = confirmWithin * 1_000 + 8_000;
/** How long the worker stays dead after that, and how long the users talk on when it is back, in ms. */
const [deadFor, talkOnFor] = [2_000, 3_000];
const everySoOften = 100;

/** The scenario, with what it has seen once it was played. */
export interface DeadWorker extends Scenario {
  readonly stall: Stall | undefined;
  /** Lost messages that the app sent again. */
  readonly resent: number;
  /** What the app says of Graphiti at the end. */
  readonly finalState: string;
}

/** Creates the scenario. */
export function deadWorker(): DeadWorker {
  const seen: { stall?: Stall; resent: number; finalState: string } = {
    resent: 0,
    finalState: 'unknown',
  };

  return {
    environment: {
      GRAPHITI_CONFIRM: String(confirmWithin),
      GRAPHITI_UNCONFIRMED: 'resend',
    },
    get stall() {
      return seen.stall;
    },
    get resent() {
      return seen.resent;
    },
    get finalState() {
      return seen.finalState;
    },
    async play(options) {
      const { graphiti, begin, signal } = options;
      begin('warm-up', 'Graphiti works; what it acknowledges it stores');
      await pause(warmUp, undefined, { signal });
      begin(
        'dead worker',
        'the ingestion worker is dead: 202 to every message, healthy, nothing stored',
      );
      await graphiti.fault({ kind: 'dead_worker' });
      seen.stall = await foundOut(options);
      await pause(deadFor, undefined, { signal });
      begin('restart', 'Graphiti is restarted, and has forgotten what it had in memory');
      await graphiti.heal();
      await graphiti.restart();
      await pause(talkOnFor, undefined, { signal });
    },
    async isDone(app) {
      const queue = (await app.status())?.queue;
      if (!queue) return false;
      seen.resent = queue.resent;
      seen.finalState = (await app.graphiti()) ?? 'unknown';
      const { accepted, unconfirmed } = queue.states;
      return queue.size + accepted + unconfirmed === 0;
    },
  };
}

async function foundOut({ stage, graphiti, tell, signal }: PlayOptions): Promise<Stall> {
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 100) / 10;
  while (performance.now() - started < foundOutWithin) {
    const status = await stage.app.status();
    const { unconfirmed = 0 } = status?.queue.states ?? {};
    if (unconfirmed > 0 && (await stage.app.graphiti()) === 'ingest_stalled') {
      const healthcheck = await graphiti.healthcheck();
      const stall = { reported: true, afterSeconds: seconds(), unconfirmed, healthcheck };
      tell(
        `the app says: ingest_stalled, ${unconfirmed} unconfirmed; Graphiti says: ${healthcheck}`,
      );
      return stall;
    }
    await pause(everySoOften, undefined, { signal });
  }
  const healthcheck = await graphiti.healthcheck();
  return { reported: false, afterSeconds: seconds(), unconfirmed: 0, healthcheck };
}
