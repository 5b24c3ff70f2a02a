/** The one line for an app that uses Graphiti. */

import { createGraphitiPipeline, type GraphitiFallbackOptions } from '@graphiti-fallback/http';
import type { ErrorRequestHandler, Request, RequestHandler } from 'express';
import { errors } from './errors.ts';
import { exchangeOf } from './exchange.ts';
import type { FallbackMiddleware } from './fallback.ts';
import { handler } from './handler.ts';
import './request.ts';

function create(options?: GraphitiFallbackOptions<Request>): FallbackMiddleware {
  const pipeline = createGraphitiPipeline(options);
  const middleware: RequestHandler = function graphitiFallback(req, res, next) {
    const exchange = exchangeOf(req, res);
    if (pipeline.answer(exchange)) return;
    const { scope, fallback, graphiti } = pipeline.begin(exchange);
    req.fallback = fallback;
    req.graphiti = graphiti;
    scope.run(next);
  };
  return Object.assign(middleware, {
    manager: pipeline.manager,
    close: () => pipeline.close(),
  });
}

/** The one line, and what belongs to it. */
export interface GraphitiFallback {
  /**
   * Keeps an app working when Graphiti is down: gives handlers `req.graphiti` and `req.fallback`.
   * With no options it reads `GRAPHITI_URL`, `FALLBACK_*` and `CIRCUIT_*` from the environment.
   *
   * @throws {TypeError} when an option or a variable is wrong, naming it, what was expected and what came
   */
  (options?: GraphitiFallbackOptions<Request>): FallbackMiddleware;
  /** Answers the kit's errors as problem details (RFC 9457); mount it after the routes. */
  errors(): ErrorRequestHandler;
  /** Wraps an async handler for Express 4, which does not catch what it throws. */
  readonly handler: typeof handler;
}

/** `app.use(graphitiFallback())`, and after the routes `app.use(graphitiFallback.errors())`. */
export const graphitiFallback: GraphitiFallback = Object.assign(create, { errors, handler });
