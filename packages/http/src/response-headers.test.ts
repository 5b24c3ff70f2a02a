import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FallbackManager } from '@graphiti-fallback/core';
import { expect, onTestFinished, test } from 'vitest';
import { createPipeline } from './pipeline.ts';

test('the mode is told behind whose breaker the answer was served, while the manager itself is live', async () => {
  const manager = new FallbackManager({ name: 'headers', logger: false, recoveryRamp: 0 });
  const search = manager.read('search', { run: () => ['fact'], breaker: 'search' });
  const get = manager.read('get', { run: () => 'value' });
  const pipeline = createPipeline(manager);
  const server = createServer(async (request, response) => {
    const { scope } = pipeline.begin({ request, response, path: '/' });
    const body = await scope.run(() => (request.url === '/search' ? search() : get()));
    response.end(JSON.stringify(body));
  }).listen(0);
  onTestFinished(async () => {
    await pipeline.close();
    server.close();
  });
  await once(server, 'listening');
  const ask = (path: string) =>
    fetch(`http://localhost:${(server.address() as AddressInfo).port}${path}`);

  expect((await ask('/search')).headers.get('x-fallback-mode')).toBeNull();
  await manager.breaker('search').isolate('reindexing', 'read_only');
  expect((await ask('/search')).headers.get('x-fallback-mode')).toBe('read_only');
  expect((await ask('/get')).headers.get('x-fallback-mode')).toBeNull();
});
