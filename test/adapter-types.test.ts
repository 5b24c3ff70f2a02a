import type { IncomingMessage } from 'node:http';
import { FallbackManager, type FallbackMode } from '@graphiti-fallback/core';
import * as onExpress from '@graphiti-fallback/express';
import type { GraphitiClient } from '@graphiti-fallback/graphiti';
import { createPipeline, type FallbackHandle } from '@graphiti-fallback/http';
import * as onKoa from '@graphiti-fallback/koa';
import express from 'express';
import Koa, {
  type Context,
  type DefaultContext,
  type DefaultState,
  type ParameterizedContext,
} from 'koa';
import { expect, expectTypeOf, test } from 'vitest';

// `tsc` judges this file more than its run does.

test('a request of Express has graphiti and fallback', () => {
  expectTypeOf<express.Request['graphiti']>().toEqualTypeOf<GraphitiClient>();
  expectTypeOf<express.Request['fallback']>().toEqualTypeOf<FallbackHandle>();
  expectTypeOf<FallbackHandle['mode']>().toEqualTypeOf<FallbackMode | 'none'>();
  expectTypeOf(onExpress.graphitiFallback.errors()).toExtend<express.ErrorRequestHandler>();
  expectTypeOf(onExpress.graphitiFallback).returns.toExtend<express.RequestHandler>();
});

test('`authorize` gets what the framework hands to middleware', () => {
  const manager = new FallbackManager({ name: 'authorized', logger: false });
  onExpress.fallback(manager, {
    authorize(req) {
      expectTypeOf(req).toEqualTypeOf<express.Request>();
      return req.get('x-role') === 'operator';
    },
  });
  onKoa.fallback(manager, {
    async authorize(ctx) {
      expectTypeOf(ctx).toEqualTypeOf<ParameterizedContext>();
      return ctx.get('x-role') === 'operator' ? 'ann' : undefined;
    },
  });
  createPipeline(manager, {
    authorize(request) {
      expectTypeOf(request).toEqualTypeOf<IncomingMessage>();
      return false;
    },
  });
  // @ts-expect-error neither true nor false, nor a name
  onExpress.fallback(manager, { authorize: () => 1 });
});

test('handler() leaves what Express infers from the path', () => {
  const { handler } = onExpress.graphitiFallback;
  const app = express();
  app.get(
    '/groups/:group',
    handler(async (req, res) => {
      expectTypeOf(req.params).toEqualTypeOf<{ group: string }>();
      expectTypeOf(req.body).toBeAny();
      expectTypeOf(req.graphiti).toEqualTypeOf<GraphitiClient>();
      res.json(await req.graphiti.getEpisodes(req.params.group, 1));
    }),
  );
  app.get(
    '/facts',
    handler(async (req, res) => {
      expectTypeOf(req.query).toEqualTypeOf<express.Request['query']>();
      return res.status(200).json({});
    }),
  );
  const alone = handler(async (req, res) => {
    res.json(req.body.text);
  });
  app.post('/groups/:group', alone);
  handler<express.RequestHandler<{ group: string }>>((req) => {
    expectTypeOf(req.params.group).toBeString();
  });
  // @ts-expect-error a handler is a function
  expect(() => handler('not a function')).toThrow(/handler to be a function, got not a function/);
});

test('a context of Koa has graphiti and fallback, also one with a type of the app’s own', () => {
  expectTypeOf<Context['graphiti']>().toEqualTypeOf<GraphitiClient>();
  expectTypeOf<Context['fallback']>().toEqualTypeOf<FallbackHandle>();
  new Koa<DefaultState, DefaultContext>().use(async (ctx) => {
    expectTypeOf(ctx.graphiti).toEqualTypeOf<GraphitiClient>();
  });
  const app = new Koa<{ user: string }, { db: number }>();
  app.use(onKoa.graphitiFallback.errors());
  app.use(onKoa.graphitiFallback({ mode: 'read_only' }));
  app.use(async (ctx) => {
    expectTypeOf(ctx.db).toBeNumber();
    expectTypeOf(ctx.state.user).toBeString();
    expectTypeOf(ctx.graphiti).toEqualTypeOf<GraphitiClient>();
    expectTypeOf(ctx.fallback).toEqualTypeOf<FallbackHandle>();
  });
});
