/** Tests of instances as processes: each with a Redis, an upstream and apps of its own, so that they run side by side. */

import { test as base } from 'vitest';
import { type App, type AppEnvironment, HttpUpstream, startApp } from './app-processes.ts';
import { type RedisServer, redisServer } from './server.ts';

/** Starts an instance over the test's Redis and upstream, unless it is told another one. */
export type Start = (more?: Partial<AppEnvironment>) => Promise<App>;

interface Kit {
  readonly server: RedisServer;
  readonly upstream: HttpUpstream;
  readonly start: Start;
}

/** A test with its kit; `fleetTest.concurrent` runs beside others. */
export const fleetTest = base.extend<Kit>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from it that it needs nothing
  server: async ({}, use) => {
    const server = await redisServer();
    await use(server);
    await server.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: the same
  upstream: async ({}, use) => {
    const upstream = await HttpUpstream.start();
    await use(upstream);
    await upstream.close();
  },
  start: async ({ server, upstream }, use) => {
    const apps: App[] = [];
    await use(async (more = {}) => {
      const app = await startApp({ REDIS: server.url, UPSTREAM: upstream.url, ...more });
      apps.push(app);
      return app;
    });
    await Promise.all(apps.map((app) => app.end()));
  },
});

/** On a machine that is busy with other tests. */
export const until = { timeout: 30_000, interval: 50 };
