/** `npm run demo -- --cluster`: four instances, one Redis, an outage, one instance killed and one frozen on the way. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { graphitiServer } from '@graphiti-fallback/testing';
import { type Load, startLoad } from './load.ts';
import { redisForDemo } from './redis-server.ts';
import { roundRobin } from './round-robin.ts';
import { type Verdict, verdictOf } from './verdict.ts';

interface Instance {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
}

const instances = 4;
const groups = Array.from({ length: 8 }, (_, number) => `group-${number}`);
/** What a killed or frozen instance held is another's when its lease is over: half a minute. */
const drainedWithinMs = 90_000;

const folder = mkdtempSync(join(tmpdir(), 'fleet-'));
await using graphiti = await graphitiServer();
const redis = await redisForDemo(folder);
const fleet = await Promise.all(Array.from({ length: instances }, (_, index) => start(index)));
const proxy = await roundRobin(fleet.map(({ port }) => port));

try {
  tell(`${instances} instances behind a proxy, one Redis that syncs every write`);
  const load = startLoad(proxy.port, groups);
  await sleep(1_500);
  tell('Graphiti is not available');
  graphiti.fault({ kind: 'unavailable' });
  await sleep(4_000);
  const [killed, frozen] = fleet;
  tell(`instance ${killed?.pid} is killed by kill -9, ${frozen?.pid} is frozen`);
  killed?.child.kill('SIGKILL');
  frozen?.child.kill('SIGSTOP');
  await sleep(2_500);
  tell('Graphiti is back; the others replay what all have queued');
  await graphiti.heal();
  await sleep(3_000);
  tell(`instance ${frozen?.pid} goes on`);
  frozen?.child.kill('SIGCONT');
  await sleep(2_000);
  await load.stop();
  const judged = () => verdict(load, killed?.pid ?? 0);
  await until(() => judged().lost === 0, drainedWithinMs);
  report(judged(), load);
} finally {
  proxy.close();
  await Promise.all(fleet.map(({ child }) => end(child)));
  await redis.close();
  rmSync(folder, { recursive: true, force: true });
}

async function start(index: number): Promise<Instance> {
  const child = fork(fileURLToPath(import.meta.resolve('#app')), [], {
    env: {
      ...process.env,
      NODE_ENV: 'production',
      PORT: '0',
      GRAPHITI_URL: graphiti.url,
      FALLBACK_REDIS_URL: redis.url,
      FALLBACK_DB_PATH: join(folder, `queue-${index}`),
      FALLBACK_CACHE_DIR: join(folder, `cache-${index}`),
      CIRCUIT_TIMEOUT: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  if (!child.stdout) throw new Error('The instance has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const [, port, pid] = /^listening (\d+) worker (\d+)/.exec(line) ?? [];
    if (port === undefined) continue;
    child.stdout.resume();
    return { child, port: Number(port), pid: Number(pid) };
  }
  throw new Error('The instance ended');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  await exit;
}

function verdict({ accepted }: Load, killed: number): Verdict {
  const arrived = new Map(
    groups.map((group) => [group, graphiti.messages(group).map(({ content }) => content)]),
  );
  return verdictOf(accepted, arrived, { killed, oneQueue: true });
}

async function until(condition: () => boolean, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition() && performance.now() < deadline) await sleep(200);
}

function report(found: Verdict, { uncertain }: Load): void {
  const { accepted, queued, orphaned, lost, duplicates, outOfOrder } = found;
  const ok = lost === 0 && outOfOrder === 0 && queued > 0 && orphaned > 0;
  tell(
    `${accepted} writes accepted, ${queued} queued, ${orphaned} of them by the killed instance, ${uncertain.length} answers lost: ${lost} lost, ${duplicates} twice, ${outOfOrder} out of order`,
  );
  if (process.argv.includes('--json')) console.log(JSON.stringify({ ok, ...found }));
  process.exitCode = ok ? 0 : 1;
}

function tell(what: string): void {
  if (!process.argv.includes('--json')) console.log(what);
}
