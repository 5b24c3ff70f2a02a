/** An app whose name changes, is missing, or whose folders cannot be written: as its user sees it. */

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PublicStatus } from '@graphiti-fallback/http';
import { type GraphitiServer, graphitiServer } from '@graphiti-fallback/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ChildApp, endApps, startApp } from './child-app.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

vi.setConfig({ testTimeout: 60_000 }); // it starts processes, on a machine that may be busy

const folder = temporaryFolder('renamed-');
const adapter = join(import.meta.dirname, '../packages/express/src/index.ts');
const express = createRequire(import.meta.url).resolve('express');
let graphiti: GraphitiServer;

beforeEach(async () => {
  graphiti = await graphitiServer();
  writeFileSync(
    join(folder.path, 'app.mjs'),
    `import express from ${JSON.stringify(pathToFileURL(express).href)};
    import { graphitiFallback } from ${JSON.stringify(pathToFileURL(adapter).href)};
    const app = express();
    const application = process.env.APPLICATION;
    app.use(express.json());
    app.use(graphitiFallback({ ...(application && { application }) }));
    app.post('/messages', async (req, res) => {
      const message = { role_type: 'user', role: 'ann', content: req.body.text };
      const { outcome } = await req.graphiti.addMessages('demo', [message]);
      res.status(202).json({ outcome });
    });
    app.listen(Number(process.env.PORT));`,
  );
});

afterEach(async () => {
  await endApps();
  await graphiti.close();
});

/** Starts the app under the name that its package.json has, if any. */
async function start(
  name: string | undefined,
  environment: Readonly<Record<string, string>> = {},
): Promise<ChildApp> {
  const { path } = folder;
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name, private: true }));
  const port = await freePort();
  return startApp({
    file: join(path, 'app.mjs'),
    cwd: path,
    port,
    environment: {
      PORT: String(port),
      GRAPHITI_URL: graphiti.url,
      CIRCUIT_TIMEOUT: '1',
      ...environment,
    },
  });
}

/** What an app wrote about its store. */
const said = ({ output }: ChildApp) =>
  output
    .join('')
    .split('\n')
    .filter((line) => !line.includes(' is on '));

/** Three writes that the upstream refused, of an app that is gone. */
async function leaveThree(name: string): Promise<void> {
  const app = await start(name);
  const mend = graphiti.fault({ kind: 'refuse' });
  for (const text of ['one', 'two', 'three']) {
    const answer = await app.post('/messages', { text });
    expect(await answer.json()).toEqual({ outcome: 'queued' });
  }
  app.process.kill('SIGKILL');
  await app.end();
  await mend();
}

test.each([
  ['its package.json has another name', 'new', {}],
  ['OTEL_SERVICE_NAME is set', 'old', { OTEL_SERVICE_NAME: 'new' }],
])(
  'what an app queued before %s is told of at its start, and replayed as the line says',
  async (_what, name, environment) => {
    await leaveThree('old');
    const renamed = await start(name, environment);
    await expect
      .poll(() => said(renamed).filter((line) => line.includes("application 'old'")))
      .toEqual([
        expect.stringMatching(
          /3 writes wait in .* If 'new' was called so before: set `application: 'old'`, or move what waits: npx /,
        ),
      ]);
    const status = (await (await fetch(`${renamed.url}/health/fallback`)).json()) as PublicStatus;
    expect(status.store.warnings).toBeGreaterThan(0);
    expect(JSON.stringify(status)).not.toContain("'old'");
    expect(graphiti.messages('demo')).toEqual([]);
    await renamed.end();

    const again = await start(name, { ...environment, APPLICATION: 'old' });
    await expect.poll(() => graphiti.messages('demo').length, { timeout: 20_000 }).toBe(3);
    expect(said(again).join('\n')).not.toContain('wait in');
  },
);

test('an app without a name is told with whom it shares its queue, and how to have one of its own', async () => {
  const nameless = await start(undefined);
  await expect
    .poll(() => said(nameless).join('\n'))
    .toMatch(
      /This app has no name of its own: it shares the queue .* Set `application`, OTEL_SERVICE/,
    );
  await nameless.end();
  const inMemory = await start(undefined, { FALLBACK_STORE: 'memory' });
  const named = await start(undefined, { APPLICATION: 'shop' });
  for (const app of [inMemory, named]) {
    await app.post('/messages', { text: 'one' });
    expect(said(app).join('\n')).not.toContain('no name of its own');
  }
});

test('folders that cannot be written are told apart, with what each means and who chooses it', async () => {
  const nowhere = join(folder.path, 'package.json', 'below');
  const app = await start('shop', { FALLBACK_DB_PATH: nowhere, FALLBACK_CACHE_DIR: nowhere });
  await expect
    .poll(() => said(app).join('\n'))
    .toMatch(
      /The queue's folder .* writes are not queued until it can be written. FALLBACK_DB_PATH/,
    );
  expect(said(app).join('\n')).toMatch(
    /The cache's folder .* answers are cached in memory only until .* FALLBACK_CACHE_DIR chooses/,
  );
});
