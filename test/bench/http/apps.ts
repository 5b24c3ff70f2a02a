/** Apps of one route that asks Graphiti for facts: with the kit, and bare. */

import type { RequestListener } from 'node:http';
import { graphitiFallback as expressFallback } from '@graphiti-fallback/express';
import { graphitiFallback as koaFallback } from '@graphiti-fallback/koa';
import express from 'express';
import Koa from 'koa';

const url = process.env.GRAPHITI_URL ?? '';

/** The listener of each app, by its name; settings come from the environment, as a user gives them. */
export const apps: Readonly<Record<string, () => RequestListener>> = {
  express() {
    const app = express();
    app.use(expressFallback());
    app.get('/facts', async (req, res) => {
      res.json(await req.graphiti.search(query(req.url)));
    });
    return app;
  },
  'express bare'() {
    const app = express();
    app.get('/facts', async (req, res) => {
      res.json(await bareSearch(query(req.url)));
    });
    return app;
  },
  koa() {
    const app = new Koa();
    app.use(koaFallback());
    app.use(async (ctx) => {
      ctx.body = await ctx.graphiti.search(query(ctx.url));
    });
    return app.callback();
  },
  'koa bare'() {
    const app = new Koa();
    app.use(async (ctx) => {
      ctx.body = await bareSearch(query(ctx.url));
    });
    return app.callback();
  },
};

function query(path: string) {
  return { query: path.slice(path.indexOf('=') + 1), group_ids: ['bench'], max_facts: 10 };
}

async function bareSearch(body: object): Promise<unknown> {
  const response = await fetch(`${url}/search`, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`Graphiti answered ${response.status}`);
  return response.json();
}
