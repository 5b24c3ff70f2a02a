import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { toCommonJs } from '../common-js.ts';
import { type OtlpReceiver, otlpReceiver, type ReceivedSpan } from '../otlp-receiver.ts';
import { type AppFolder, appFolder } from './app-folder.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes start, on a machine that may be busy

/** Three calls of an upstream, as people make them, from the handler of each app. */
const calls = `
  const ask = (request, path) => new Promise((done, failed) => {
    request(process.env.UPSTREAM + path, (answer) => answer.resume().on('end', done)).on('error', failed);
  });
  const callUpstream = async () => {
    await fetch(process.env.UPSTREAM + '/fetch');
    await ask(http.get, '/default');
    await ask(get, '/named');
  };
  const listening = async () => {
    const url = 'http://127.0.0.1:' + server.address().port;
    await ask((_, listener) => http.get(url + '/items/1', listener), '');
    await ask((_, listener) => http.get(url + '/health/fallback', listener), '');
    server.close();
  };
`;

const express = `
  import http, { get } from 'node:http';
  import express from 'express';
  const app = express();
  ${calls}
  app.use(function authenticate(req, res, next) { next(); });
  app.get('/items/:id', async (req, res) => { await callUpstream(); res.json({}); });
  const server = app.listen(0, listening);
`;

const koa = `
  import http, { get } from 'node:http';
  import Router from '@koa/router';
  import Koa from 'koa';
  const app = new Koa();
  const router = new Router();
  ${calls}
  app.use(async function authenticate(ctx, next) { await next(); });
  router.get('/items/:id', async (ctx) => { await callUpstream(); ctx.body = {}; });
  app.use(router.routes());
  const server = app.listen(0, listening);
`;

const ofExpress = ['middleware - authenticate', 'request handler'];
const ofExpress4 = ['expressInit', 'query', 'authenticate'].map((name) => `middleware - ${name}`);
const ofKoa = ['middleware - authenticate', 'router - /items/:id'];

const frameworks = [
  { name: 'Express 5', code: express, instead: {}, layers: ofExpress },
  {
    name: 'Express 4',
    code: express,
    instead: { express: 'express4' },
    layers: [...ofExpress4, 'request handler - /items/:id'],
  },
  { name: 'Koa 3', code: koa, instead: {}, layers: ofKoa },
  { name: 'Koa 2', code: koa, instead: { koa: 'koa2' }, layers: ofKoa },
];

let upstream: Server;
let receiver: OtlpReceiver;

beforeAll(async () => {
  upstream = createServer((_, response) => response.end('ok'));
  await new Promise<void>((ready) => upstream.listen(0, '127.0.0.1', ready));
});

beforeEach(async () => {
  receiver = await otlpReceiver();
  return () => receiver.close();
});

afterAll(() => upstream.close());

describe.each(frameworks)('$name', ({ code, instead, layers }) => {
  let folder: AppFolder;

  beforeAll(() => {
    folder = appFolder(instead);
    return () => folder.close();
  });

  test.each([
    { kind: 'ESM', file: 'app.mjs', source: code },
    { kind: 'CommonJS', file: 'app.cjs', source: toCommonJs(code) },
  ])('as $kind, one span for each thing', async ({ file, source }) => {
    const { port } = upstream.address() as AddressInfo;
    const app = folder.start(file, source, {
      UPSTREAM: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    });
    expect(await app.ended).toMatchObject({ code: 0, stderr: '' });

    const [server, ...more] = ofKind(2);
    expect(more).toEqual([]);
    expect(server?.name).toBe('GET /items/:id');
    const request = receiver.spans.filter(({ traceId }) => traceId === server?.traceId);
    const fromApp = request.filter(({ spanId }) => spanId !== server?.parentSpanId);
    expect(
      fromApp
        .filter(({ kind }) => kind === 3)
        .map(scopeOf)
        .sort(),
    ).toEqual(['instrumentation-http', 'instrumentation-http', 'instrumentation-undici']);
    const inside = fromApp.filter(({ kind }) => kind === 1).map(({ name }) => name);
    expect(inside.sort()).toEqual(layers.sort());
    expect(server?.resource).toMatchObject({
      'service.name': 'the-app',
      'service.version': '1.2.3',
    });
  });
});

function ofKind(wanted: number): ReceivedSpan[] {
  return receiver.spans.filter(({ kind }) => kind === wanted);
}

function scopeOf({ scope }: ReceivedSpan): string {
  return scope.replace('@opentelemetry/', '');
}
