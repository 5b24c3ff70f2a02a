import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FallbackManager } from '@graphiti-fallback/core';
import { expect, onTestFinished, test } from 'vitest';
import { createPipeline } from './pipeline.ts';

/** Serves what `read` gives, through the pipeline. */
async function served(manager: FallbackManager, read: (path: string) => Promise<unknown>) {
  const pipeline = createPipeline(manager);
  const server = createServer(async (request, response) => {
    const { scope } = pipeline.begin({ request, response, path: '/' });
    response.end(JSON.stringify(await scope.run(() => read(request.url ?? '/'))));
  }).listen(0);
  onTestFinished(async () => {
    await pipeline.close();
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return (path: string) => fetch(`http://localhost:${port}${path}`);
}

test('the mode is told behind whose breaker the answer was served, while the manager itself is live', async () => {
  const manager = new FallbackManager({ name: 'headers', logger: false, recoveryRamp: 0 });
  const search = manager.read('search', { run: () => ['fact'], breaker: 'search' });
  const get = manager.read('get', { run: () => 'value' });
  const ask = await served(manager, (path) => (path === '/search' ? search() : get()));

  expect((await ask('/search')).headers.get('x-fallback-mode')).toBeNull();
  await manager.breaker('search').isolate('reindexing', 'read_only');
  expect((await ask('/search')).headers.get('x-fallback-mode')).toBe('read_only');
  expect((await ask('/get')).headers.get('x-fallback-mode')).toBeNull();
});

test('a stale answer says whether the upstream failed or is being asked behind it', async () => {
  const manager = new FallbackManager({ name: 'headers', logger: false, retry: { retries: 0 } });
  let fails = false;
  const read = manager.read('read', {
    run: (_path: string) => {
      if (fails) throw Object.assign(new Error('down'), { status: 503 });
      return 'value';
    },
  });
  const ask = await served(manager, (path) =>
    read('same', path === '/soft' ? { softTimeout: 0 } : {}),
  );
  expect((await ask('/')).headers.get('cache-status')).toBeNull();
  const soft = await ask('/soft');
  expect(soft.headers.get('cache-status')).toContain('detail=stale-while-revalidate');
  expect(soft.headers.get('x-fallback-mode')).toBe('queue_writes');
  fails = true;
  expect((await ask('/')).headers.get('cache-status')).toContain('detail=stale-if-error');
});
