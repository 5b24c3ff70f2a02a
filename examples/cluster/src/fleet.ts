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
import { EndedBy } from './ended-by.ts';
import { type Load, startLoad } from './load.ts';
import { NoRedisServer, redisForDemo } from './redis-server.ts';
import { roundRobin } from './round-robin.ts';
import { type Verdict, verdictOf } from './verdict.ts';

interface Instance {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
}

const isJson = process.argv.includes('--json');
const instances = 4;
const groups = Array.from({ length: 8 }, (_, number) => `group-${number}`);
/** What a killed or frozen instance held is another's when its lease is over: half a minute. */
const drainedWithinMs = 90_000;

const ending = new AbortController();
const { signal } = ending;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => ending.abort(new EndedBy(name)));
// Whoever started it is gone.
process.on('disconnect', () => ending.abort(new EndedBy('SIGHUP')));
process.channel?.unref();

const folder = mkdtempSync(join(tmpdir(), 'fleet-'));
const children: ChildProcess[] = [];
const closing: (() => Promise<void> | void)[] = [];
await using graphiti = await graphitiServer();

try {
  const redis = await redisForDemo(folder);
  closing.push(() => redis.close());
  signal.throwIfAborted();
  await show(redis.url);
} catch (error) {
  // What was under way when it was ended failed for that.
  const why = signal.aborted ? signal.reason : error;
  console.error(why instanceof NoRedisServer || why instanceof EndedBy ? why.message : why);
  if (isJson && !signal.aborted) console.log('{"ok":false}');
  process.exitCode = why instanceof EndedBy ? why.code : 1;
} finally {
  await Promise.all(children.map(end));
  for (const close of closing.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
}

async function show(redisUrl: string): Promise<void> {
  const fleet = await Promise.all(
    Array.from({ length: instances }, (_, index) => start(index, redisUrl)),
  );
  const proxy = await roundRobin(fleet.map(({ port }) => port));
  closing.push(() => proxy.close());
  tell(`${instances} instances behind a proxy, one Redis that syncs every write`);
  const load = startLoad(proxy.port, groups);
  closing.push(() => load.stop());
  await sleep(1_500, undefined, { signal });
  tell('Graphiti is not available');
  graphiti.fault({ kind: 'unavailable' });
  await sleep(4_000, undefined, { signal });
  const [killed, frozen] = fleet;
  tell(`instance ${killed?.pid} is killed by kill -9, ${frozen?.pid} is frozen`);
  killed?.child.kill('SIGKILL');
  frozen?.child.kill('SIGSTOP');
  await sleep(2_500, undefined, { signal });
  tell('Graphiti is back; the others replay what all have queued');
  await graphiti.heal();
  await sleep(3_000, undefined, { signal });
  tell(`instance ${frozen?.pid} goes on`);
  frozen?.child.kill('SIGCONT');
  await sleep(2_000, undefined, { signal });
  await load.stop();
  tell(`What instance ${killed?.pid} held is another's when its lease is over: half a minute`);
  const judged = () => verdict(load, killed?.pid ?? 0);
  await until(() => judged().lost === 0, drainedWithinMs);
  report(judged(), load);
}

async function start(index: number, redisUrl: string): Promise<Instance> {
  const child = fork(fileURLToPath(import.meta.resolve('#app')), [], {
    env: {
      ...process.env,
      NODE_ENV: 'production',
      PORT: '0',
      GRAPHITI_URL: graphiti.url,
      FALLBACK_REDIS_URL: redisUrl,
      FALLBACK_DB_PATH: join(folder, `queue-${index}`),
      FALLBACK_CACHE_DIR: join(folder, `cache-${index}`),
      CIRCUIT_TIMEOUT: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  children.push(child);
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
  child.kill(signal.aborted ? 'SIGKILL' : 'SIGTERM');
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
  while (!condition() && performance.now() < deadline) await sleep(200, undefined, { signal });
}

function report(found: Verdict, { uncertain }: Load): void {
  const { accepted, queued, orphaned, lost, duplicates, outOfOrder } = found;
  const ok = lost === 0 && outOfOrder === 0 && queued > 0 && orphaned > 0;
  tell(
    `${accepted} writes accepted, ${queued} queued, ${orphaned} of them by the killed instance, ${uncertain.length} answers lost: ${lost} lost, ${duplicates} twice, ${outOfOrder} out of order`,
  );
  if (isJson) console.log(JSON.stringify({ ok, ...found }));
  process.exitCode = ok ? 0 : 1;
}

function tell(what: string): void {
  if (!isJson) console.log(what);
}
