import { expect, test, vi } from 'vitest';
import { otlpReceiver } from '../otlp-receiver.ts';
import { appFolder } from './app-folder.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes start, on a machine that may be busy

test('the beginning of an outage is exported at once', async () => {
  const receiver = await otlpReceiver();
  const folder = appFolder();
  const code = `
    import { FallbackManager } from '@graphiti-fallback/core';
    const manager = new FallbackManager({
      name: 'items',
      application: 'test',
      logger: false,
      retry: { retries: 0 },
      breaker: { failureThreshold: 1 },
    });
    const read = manager.read('items.get', { run: async () => { throw new Error('down'); } });
    read('one').catch(() => {});
    setInterval(() => {}, 1_000);
  `;
  const app = folder.start('app.mjs', code, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '3600000',
  });
  const names = () => receiver.spans.map(({ name }) => name);
  await expect.poll(names, { timeout: 10_000 }).toContain('activate items');
  app.process.kill('SIGKILL');
  await app.ended;
  await folder.close();
  await receiver.close();
});
