import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { backendAt } from './backend.ts';

/** A server that knows these paths. */
async function serverWith(...paths: string[]): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    response.writeHead(paths.includes(url) ? 200 : 404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the app sends each signal that the backend takes, and no other', async () => {
  const url = await serverWith('/v1/traces', '/v1/logs');
  expect((await backendAt(url, 'demo')).environment).toMatchObject({
    OTEL_SERVICE_NAME: 'demo',
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'otlp',
  });
});

test('who takes no traces is no backend', async () => {
  const url = await serverWith('/v1/metrics');
  await expect(backendAt(url, 'demo')).rejects.toThrow(`Expected OTLP over HTTP at ${url}`);
});

test('where nobody answers, a person learns what to start', async () => {
  const nobody = createServer().listen(0, '127.0.0.1');
  await once(nobody, 'listening');
  const { port } = nobody.address() as AddressInfo;
  nobody.close();
  await once(nobody, 'close');
  await expect(backendAt(`http://127.0.0.1:${port}`, 'demo')).rejects.toThrow(
    `Nothing answers at http://127.0.0.1:${port}/v1/traces: start Jaeger or a collector first`,
  );
});
