/** The same app on every framework, with the middleware where a case wants it. */

import { AsyncResource } from 'node:async_hooks';
import type { IncomingHttpHeaders, IncomingMessage, RequestListener } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { FallbackManager } from '@graphiti-fallback/core';
import * as onExpress from '@graphiti-fallback/express';
import {
  createGraphitiPipeline,
  createPipeline,
  type GraphitiFallbackOptions,
} from '@graphiti-fallback/http';
import * as onKoa from '@graphiti-fallback/koa';
import express5 from 'express';
import express4 from 'express4';
import Koa3 from 'koa';
import mount from 'koa-mount';
import Koa2 from 'koa2';
import { nodeHttpFallback } from './node-http-adapter.ts';
import { route } from './routes.ts';

/** Options as all frameworks take them: each gives `authorize` something with headers. */
export type SubjectOptions = GraphitiFallbackOptions<{ readonly headers: IncomingHttpHeaders }>;

/** How a case wants its app. */
export interface Setup {
  readonly options?: SubjectOptions;
  /** A manager of any upstream instead of Graphiti's. */
  readonly manager?: FallbackManager;
  /** Whether the kit's errors are answered as problems. */
  readonly errors: boolean;
  /** One of the subject's mounts; on the app without it. */
  readonly mount?: string;
  /** Whether a body parser loses the request's async context. */
  readonly losesContext?: boolean;
}

/** An app that does not listen yet. */
interface Built {
  readonly listener: RequestListener;
  readonly fallback: { readonly manager: FallbackManager; close(): Promise<void> };
}

/** A framework, or what stands for one. */
export interface Subject {
  readonly name: string;
  /** Ways to have the middleware below a prefix, each with its prefix. */
  readonly mounts: Readonly<Record<string, string>>;
  build(setup: Setup): Built;
}

/** Whatever runs in here has no request's context. */
const elsewhere = new AsyncResource('elsewhere');

const expressSubject = (name: string, express: typeof express5): Subject => ({
  name,
  mounts: { 'app.use': '/api', router: '/v1/api', 'mounted app': '/sub' },
  build({ options, manager, errors, mount, losesContext }) {
    const { graphitiFallback, fallback } = onExpress;
    const middleware = manager ? fallback(manager, options) : graphitiFallback(options);
    const app = express();
    const target =
      mount === 'mounted app' ? express() : mount === 'router' ? express.Router() : app;
    if (mount === 'mounted app') app.use('/sub', target);
    if (mount === 'router') app.use('/v1', express.Router().use('/api', target));
    const prefix = this.mounts[mount ?? ''] ?? '';
    if (mount === 'app.use') app.use(prefix, middleware);
    else target.use(middleware);
    if (losesContext) target.use((_req, _res, next) => elsewhere.runInAsyncScope(next));
    target.use(express.json());
    target.use(
      graphitiFallback.handler(async (req, res) => {
        const { graphiti, fallback, body, originalUrl: url } = req;
        const call = { graphiti, fallback, request: req, response: res, url, body };
        const answer = await route(call, prefix);
        if (!answer) return;
        res.status(answer.status ?? 200).set(answer.headers ?? {});
        if (answer.body) res.json(answer.body);
        else res.end();
      }),
    );
    if (errors) app.use(graphitiFallback.errors());
    return { listener: app, fallback: middleware };
  },
});

const koaSubject = (name: string, Koa: typeof Koa3): Subject => ({
  name,
  mounts: { 'koa-mount': '/api', 'koa-mount of an app in another': '/v1/api' },
  build({ options, manager, errors, mount: mounted, losesContext }) {
    const { graphitiFallback, fallback } = onKoa;
    const middleware = manager ? fallback(manager, options) : graphitiFallback(options);
    const app = new Koa();
    app.silent = true;
    const target = mounted?.includes('another') ? new Koa() : app;
    if (errors) app.use(graphitiFallback.errors());
    const prefix = this.mounts[mounted ?? ''] ?? '';
    target.use(mounted === 'koa-mount' ? mount(prefix, middleware) : middleware);
    if (losesContext) target.use((_ctx, next) => elsewhere.runInAsyncScope(next));
    target.use(async (ctx) => {
      const { graphiti, fallback, req: request, res: response, originalUrl: url } = ctx;
      const body = await bodyOf(request);
      const answer = await route({ graphiti, fallback, request, response, url, body }, prefix);
      if (!answer) {
        ctx.respond = false;
        return;
      }
      ctx.set({ ...answer.headers });
      if (answer.body) ctx.body = answer.body;
      ctx.status = answer.status ?? 200;
    });
    if (target !== app) app.use(mount('/v1', mount('/api', target)));
    return { listener: app.callback(), fallback: middleware };
  },
});

const nodeSubject: Subject = {
  name: 'node:http',
  mounts: { 'a prefix': '/api' },
  build({ options, manager, errors, mount, losesContext }) {
    const pipeline = manager ? createPipeline(manager, options) : createGraphitiPipeline(options);
    const mountPath = this.mounts[mount ?? ''] ?? '';
    const listener = nodeHttpFallback(
      pipeline as ReturnType<typeof createGraphitiPipeline>,
      async (request, response, tools) => {
        const body = await bodyOf(request);
        const call = { ...tools, request, response, url: request.url ?? '/', body };
        const run = () => route(call, mountPath);
        const answer = await (losesContext ? elsewhere.runInAsyncScope(run) : run());
        if (!answer) return;
        response.writeHead(answer.status ?? 200, {
          ...answer.headers,
          ...(answer.body && { 'Content-Type': 'application/json' }),
        });
        response.end(answer.body && JSON.stringify(answer.body));
      },
      { mountPath, problems: errors },
    );
    return { listener, fallback: pipeline };
  },
};

/** Every framework that the kit is for, and one that it is not. */
export const subjects: readonly Subject[] = [
  expressSubject('Express 4', express4),
  expressSubject('Express 5', express5),
  koaSubject('Koa 2', Koa2),
  koaSubject('Koa 3', Koa3),
  nodeSubject,
];

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const bytes = await buffer(request);
  return bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined;
}
