/** `npm run show`: four workers under load, an outage, one worker killed by kill -9, and what became of its writes. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { graphitiServer } from '@graphiti-fallback/testing';
import { type Load, startLoad } from './load.ts';
import { type Verdict, verdictOf } from './verdict.ts';

const workers = 4;
const groups = Array.from({ length: 8 }, (_, number) => `group-${number}`);
/** The others look every 30 s for what a dead one left. */
const adoptedWithinMs = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'cluster-'));
await using graphiti = await graphitiServer();
const app = fork(fileURLToPath(import.meta.resolve('#cluster')), [], {
  env: {
    ...process.env,
    NODE_ENV: 'production',
    WORKERS: String(workers),
    REPLACE: 'no',
    PORT: '0',
    GRAPHITI_URL: graphiti.url,
    FALLBACK_DB_PATH: join(folder, 'queue'),
    FALLBACK_CACHE_DIR: join(folder, 'cache'),
    CIRCUIT_TIMEOUT: '1',
  },
  stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
});

try {
  const load = startLoad(await listening(), groups);
  await sleep(1_000);
  tell('Graphiti is not available');
  graphiti.fault({ kind: 'unavailable' });
  await until(() => queuedBy(load).size === workers, 20_000);
  await sleep(2_000);
  const [killed = 0] = queuedBy(load).keys();
  tell(`worker ${killed} is killed by kill -9, with ${queuedBy(load).get(killed)} writes queued`);
  process.kill(killed, 'SIGKILL');
  await sleep(2_000);
  tell('Graphiti is back; the other workers replay what they queued, and within 30 s what it left');
  await graphiti.heal();
  await sleep(2_000);
  await load.stop();
  await until(() => verdict(load, killed).lost === 0, adoptedWithinMs);
  report(verdict(load, killed));
} finally {
  const ended = once(app, 'exit');
  app.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}

/** Resolves to the port once every worker listens. */
async function listening(): Promise<number> {
  let ready = 0;
  if (!app.stdout) throw new Error('The cluster has no output');
  for await (const line of createInterface({ input: app.stdout })) {
    const [, port] = /^listening (\d+) worker/.exec(line) ?? [];
    if (port !== undefined) ready += 1;
    if (ready === workers) return Number(port);
  }
  throw new Error('The cluster ended');
}

function queuedBy(load: Load): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { worker, queued } of load.accepted)
    if (queued) counts.set(worker, (counts.get(worker) ?? 0) + 1);
  return counts;
}

function verdict({ accepted }: Load, killed: number): Verdict {
  const arrived = new Map(
    groups.map((group) => [group, graphiti.messages(group).map(({ content }) => content)]),
  );
  return verdictOf(accepted, arrived, { killed });
}

async function until(condition: () => boolean, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition() && performance.now() < deadline) await sleep(200);
}

function report(found: Verdict): void {
  const { accepted, queued, orphaned, lost, duplicates, outOfOrder } = found;
  // Of each user at most one request was under way when the worker died.
  const ok = lost === 0 && outOfOrder === 0 && duplicates <= groups.length && orphaned > 0;
  tell(
    `${accepted} writes accepted, ${queued} queued, ${orphaned} of them by the killed worker: ${lost} lost, ${duplicates} twice, ${outOfOrder} out of order`,
  );
  if (process.argv.includes('--json')) console.log(JSON.stringify({ ok, ...found }));
  process.exitCode = ok ? 0 : 1;
}

function tell(what: string): void {
  if (!process.argv.includes('--json')) console.log(what);
}
