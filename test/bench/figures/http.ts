/** `http.express`, `http.koa`: what a request costs the server, with the one line and without. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measured } from '../figure.ts';
import { load } from '../http/load.ts';
import { type Server, startServer } from '../http/server.ts';
import { median } from '../median.ts';

/** Many short ones: what else the machine does weighs on all three servers alike. */
const rounds = 40;
const requests = 200;
const warmUps = 20;

export async function measure(name: string): Promise<Measured> {
  const app = name.slice('http.'.length);
  const folder = await mkdtemp(join(tmpdir(), 'graphiti-fallback-bench-'));
  const graphiti = await startServer('graphiti');
  const environment = {
    GRAPHITI_URL: graphiti.url,
    FALLBACK_DB_PATH: join(folder, 'queue'),
    FALLBACK_CACHE_DIR: join(folder, 'cache'),
  };
  const servers = await Promise.all(
    [app, `${app} bare`, `${app} bare`].map((each) => startServer(each, environment)),
  );
  try {
    return await compare(servers);
  } finally {
    for (const server of [...servers, graphiti]) server.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The kit's server against a bare one, and that against another bare one. */
async function compare(servers: readonly Server[]): Promise<Measured> {
  for (let warmUp = 0; warmUp < warmUps; warmUp += 1)
    for (const server of servers) await costOf(server);
  const costs: number[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    const cost: number[] = [];
    for (let place = 0; place < servers.length; place += 1) {
      const index = (round + place) % servers.length;
      const server = servers[index];
      if (server) cost[index] = await costOf(server);
    }
    costs.push(cost);
  }
  const middle = (of: (kit: number, bare: number, again: number) => number) =>
    median(
      costs.map(([kit = Number.NaN, bare = Number.NaN, again = Number.NaN]) =>
        of(kit, bare, again),
      ),
    );
  return {
    ratio: middle((kit, bare) => kit / bare),
    value: middle((kit) => kit),
    baseline: middle((_, bare) => bare),
    noise: middle((_, bare, again) => again / bare),
  };
}

/** µs a request. */
async function costOf(server: Server): Promise<number> {
  const before = await server.cpuTime();
  await load(server.url, requests);
  return ((await server.cpuTime()) - before) / requests;
}
