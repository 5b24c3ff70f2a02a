/** A real app through random outages of a Graphiti-compatible server, and restarts, under load. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { graphitiServer } from '@graphiti-fallback/testing';
import { AppClient } from 'outage-demo/app-client';
import { Child } from 'outage-demo/child';
import { verdictOf } from 'outage-demo/verdict';
import { load, Seen } from './load.ts';
import type { Vitals } from './vitals.ts';
import { weather } from './weather.ts';

/** How to soak. */
export interface SoakOptions {
  readonly minutes: number;
  readonly users: number;
  /** Numbers from 0 to 1, without 1. */
  readonly random: () => number;
  readonly tell: (line: string) => void;
  /** Ends it early, with a verdict. */
  readonly signal: AbortSignal;
}

/** What came of it, by the upstream's own records and by the app's own vitals. */
export interface SoakReport {
  readonly ok: boolean;
  readonly seconds: number;
  readonly requests: number;
  readonly accepted: number;
  readonly queued: number;
  readonly stale: number;
  readonly lost: number;
  readonly outOfOrder: number;
  readonly duplicates: number;
  /** Upstream although no answer said so: the user was told that it is not known. */
  readonly unanswered: number;
  readonly outages: number;
  readonly restarts: number;
  /** Still in the queue, or given up, when all had been well for long. */
  readonly left: number;
  /** Of the app's last process, from its warm-up to the end; null where it ended before that. */
  readonly heapGrowthMiB: number | null;
  readonly handleGrowth: number | null;
  readonly timerGrowth: number | null;
  readonly listenerGrowth: number | null;
  /** Warnings of leaks that Node gave. */
  readonly warnings: number;
}

/** Memory may grow by the bounded books: the last 10,000 endings, and what is cached. */
const mostHeapGrowth = 12;
/** Connections come and go with the users; a leak of one a request would be hundreds in half a minute. */
const mostHandleGrowth = 48;
const mostTimerGrowth = 48;
/** Restarts come in the first half: what grows shows in a process that lives on. */
const restartsUntil = 0.5;
/** When the vitals are first looked at, as a share of the time. */
const warmUntil = 0.6;
/** How long the queue may take to drain once all is well, in ms. */
const drainWithin = 120_000;
const endWithin = 6_000;

/** Soaks, and leaves nothing behind. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { minutes, users, random, tell, signal } = options;
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const lasts = minutes * 60_000;
  const groups = Array.from({ length: users }, (_, index) => `user-${index + 1}`);
  const seen = new Seen();
  const directory = mkdtempSync(join(tmpdir(), 'soak-'));
  await using server = await graphitiServer({ ingestDelayMs: 1, maxRecords: 5_000_000 });
  let child: Child | undefined;
  let appUrl = '';
  let restarts = 0;
  let outages = 0;
  let gate: Promise<void> = Promise.resolve();
  const app = new AppClient(() => appUrl);
  const broken = new AbortController();
  const over = AbortSignal.any([signal, broken.signal, AbortSignal.timeout(lasts)]);
  const lastResort = () => child?.kill();
  process.once('exit', lastResort);

  try {
    await start();
    const work = new AbortController();
    const stop = AbortSignal.any([over, work.signal]);
    const users = load({ app, groups, seen, random, turn: () => gate, signal: stop });
    const climate = changeable();
    await restarted();
    const before = await vitals();
    await until(1);
    work.abort();
    await users;
    await climate.end();
    const left = await drained();
    if (broken.signal.aborted) throw broken.signal.reason;
    const after = before && (await look());
    return report(left, before, after);
  } finally {
    await child?.stop(endWithin);
    process.off('exit', lastResort);
    rmSync(directory, { recursive: true, force: true });
  }

  async function start(): Promise<void> {
    child = new Child({
      name: 'app',
      module: new URL('./soak-app.ts', import.meta.url).href,
      announces: ['app'],
      env: {
        ...ordinaryEnvironment(),
        PORT: appUrl ? new URL(appUrl).port : '0',
        GRAPHITI_URL: server.url,
        FALLBACK_DB_PATH: join(directory, 'queue'),
        FALLBACK_CACHE_DIR: join(directory, 'cache'),
      },
      onLine: () => {},
      onEnd: () => {},
      onCrash: (error) => broken.abort(error),
    });
    appUrl = (await child.started()).address('app');
  }

  /** Half of the restarts are kills. */
  async function restarted(): Promise<void> {
    const count = Math.max(2, Math.round(minutes * 2));
    for (let index = 1; index <= count; index += 1) {
      await until((restartsUntil * index) / count);
      if (over.aborted) return;
      const kills = index % 2 === 1;
      if (kills) child?.kill();
      await child?.stop(endWithin);
      restarts += 1;
      await start();
      tell(`${at()} the app was ${kills ? 'killed' : 'ended'} and started again`);
    }
  }

  async function until(share: number): Promise<void> {
    while (!over.aborted && elapsed() < lasts * share) {
      const rest = Math.max(1, Math.min(10_000, lasts * share - elapsed()));
      await pause(rest, undefined, { signal: over }).catch(() => {});
      if (rest < 10_000) continue;
      const queue = (await app.status())?.queue.size;
      tell(`${at()} ${seen.accepted.length} accepted, ${queue ?? '?'} in the queue`);
    }
  }

  /** Weather that can be made fair, and changeable again. */
  function changeable() {
    let end = new AbortController();
    let playing = begin();
    return {
      async end() {
        end.abort();
        await playing;
      },
      again() {
        end = new AbortController();
        playing = begin();
      },
    };
    function begin(): Promise<void> {
      const onOutage = () => {
        outages += 1;
      };
      return weather({ server, random, onOutage, signal: AbortSignal.any([end.signal, over]) });
    }
  }

  /** Before the app has been used for a while nothing can be said of it. */
  async function vitals(): Promise<Vitals | undefined> {
    await until(warmUntil);
    if (over.aborted) return undefined;
    let go = () => {};
    gate = new Promise((resolve) => (go = resolve));
    await drained();
    const found = await look();
    go();
    return found;
  }

  async function look(): Promise<Vitals> {
    const response = await fetch(`${appUrl}/vitals`);
    return (await response.json()) as Vitals;
  }

  async function drained(): Promise<number> {
    const deadline = elapsed() + drainWithin;
    for (;;) {
      const queue = (await app.status())?.queue.size ?? Number.NaN;
      if (queue === 0 && server.state().pending === 0) return 0;
      if (elapsed() > deadline || broken.signal.aborted) return queue;
      await pause(100);
    }
  }

  function report(left: number, before: Vitals | undefined, after: Vitals | undefined): SoakReport {
    const arrived = new Map<string, string[]>();
    for (const { group_id, content } of server.messages())
      arrived.set(group_id, [...(arrived.get(group_id) ?? []), content]);
    const stored = new Map(
      groups.map((group) => [group, server.episodes(group).map(({ content }) => said(content))]),
    );
    const { accepted, uncertain } = seen;
    const verdicts = verdictOf({ accepted, uncertain, upstream: { arrived, stored } });
    const sum = (what: 'lost' | 'duplicates' | 'outOfOrder' | 'unanswered') =>
      verdicts.reduce((total, verdict) => total + verdict[what].length, 0);
    const growth = (what: keyof Vitals) => (before && after ? after[what] - before[what] : null);
    const heap = growth('heap');
    const figures = {
      requests: seen.requests,
      accepted: accepted.length,
      queued: accepted.filter(({ queued }) => queued).length,
      stale: seen.stale,
      lost: sum('lost'),
      outOfOrder: sum('outOfOrder'),
      duplicates: sum('duplicates'),
      unanswered: sum('unanswered'),
      outages,
      restarts,
      left,
      heapGrowthMiB: heap === null ? null : Math.round((heap / 2 ** 20) * 10) / 10,
      handleGrowth: growth('handles'),
      timerGrowth: growth('timers'),
      listenerGrowth: growth('listeners'),
      warnings: after?.warnings ?? 0,
    };
    return { ok: isGood(figures), seconds: Math.round(elapsed() / 1_000), ...figures };
  }

  function at(): string {
    return `${String(Math.round(elapsed() / 1_000)).padStart(4)} s:`;
  }
}

function isGood(figures: Omit<SoakReport, 'ok' | 'seconds'>): boolean {
  const { lost, outOfOrder, duplicates, left, accepted, warnings } = figures;
  return (
    accepted > 0 &&
    lost + outOfOrder + duplicates + left + warnings === 0 &&
    (figures.heapGrowthMiB ?? 0) <= mostHeapGrowth &&
    (figures.handleGrowth ?? 0) <= mostHandleGrowth &&
    (figures.timerGrowth ?? 0) <= mostTimerGrowth &&
    (figures.listenerGrowth ?? 0) <= 0
  );
}

/** Undoes an episode's `role(role_type): text`. */
function said(content: string): string {
  return content.replace(/^.*?\((?:user|assistant|system)\): /s, '');
}

/** What is set on this machine for other apps or for tests must not change what is measured. */
function ordinaryEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(FALLBACK|CIRCUIT|GRAPHITI)_|^NODE_(ENV|TEST_CONTEXT)$|^VITEST/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
