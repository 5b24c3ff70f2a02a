/** What happens to Graphiti, and to the app, in which order. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from './control.ts';
import type { PlayOptions, Scenario } from './scenario.ts';

interface Outage {
  /** In a few words, for the live view and the table. */
  readonly name: string;
  readonly fault: Fault;
  /** In ms, without the time of a restart. */
  readonly lasts: number;
  /** The app itself is stopped and started in the middle of it. */
  readonly restartsApp: boolean;
}

/** Every fault strikes before anything is stored: what the upstream has, it took from the queue or live. */
const outages: readonly Outage[] = [
  { name: 'refused', fault: { kind: 'refuse' }, lasts: 7_000, restartsApp: false },
  { name: '503', fault: { kind: 'unavailable' }, lasts: 8_000, restartsApp: true },
  { name: 'hanging', fault: { kind: 'hang' }, lasts: 8_000, restartsApp: false },
];

/** Phase of the outage in whose middle the app is killed and started again. */
export const restartPhase: string = phaseOf(outages.find(({ restartsApp }) => restartsApp));

/** How long all is well at first, in ms: what is read then is there in the outages. */
const warmUp = 5_000;
/** How long the app may take to notice that Graphiti works again, and how long all is well then, in ms. */
const recovery = { noticedWithin: 4_500, wellFor: 2_500 };
/** How long queued writes are waited for, in ms. */
const queuedWithin = 2_000;
/** How often the app's status is asked while something is waited for, in ms. */
const everySoOften = 100;

/** Three outages one after the other. */
export const threeOutages: Scenario = {
  environment: {},
  play: playOutages,
  isDone: async (app) => (await app.status())?.queue.size === 0,
};

async function playOutages(options: PlayOptions): Promise<void> {
  const { graphiti, begin, signal } = options;
  begin('warm-up', 'Graphiti works; the users read what they will ask for again');
  await pause(warmUp, undefined, { signal });
  for (const [index, outage] of outages.entries()) {
    const { name, fault, lasts, restartsApp } = outage;
    const story = `outage ${index + 1} of ${outages.length}: ${name}`;
    begin(phaseOf(outage), story);
    await graphiti.fault(fault);
    await pause(lasts / 2, undefined, { signal });
    if (restartsApp) await restartApp(options);
    await pause(lasts / 2, undefined, { signal });
    begin('recovery', `Graphiti is back from ${story}`);
    await graphiti.heal();
    await recovered(options);
  }
}

function phaseOf(outage: Outage | undefined): string {
  return `outage: ${outage?.name}`;
}

async function restartApp({ stage, tell, signal }: PlayOptions): Promise<void> {
  tell(`the app is killed by kill -9 with ${await queued()} writes queued`);
  await stage.killApp();
  await stage.startApp();
  tell(`the app is back with ${await queued()} writes queued`);

  /** There have to be some; an app that has just started reads them first. */
  async function queued(): Promise<number> {
    const deadline = performance.now() + queuedWithin;
    for (;;) {
      const size = (await stage.app.status())?.queue.size ?? 0;
      if (size > 0 || performance.now() > deadline) return size;
      await pause(everySoOften, undefined, { signal });
    }
  }
}

async function recovered({ stage, signal }: PlayOptions): Promise<void> {
  const deadline = performance.now() + recovery.noticedWithin;
  const active = async () => (await stage.app.status())?.active ?? true;
  while (performance.now() < deadline && (await active()))
    await pause(everySoOften, undefined, { signal });
  await pause(recovery.wellFor, undefined, { signal });
}
