/** The one line for an app that uses Graphiti. */

import {
  composeGraphiti,
  createPipeline,
  type GraphitiFallbackOptions,
  scopedClient,
} from '@graphiti-fallback/http';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { errors } from './errors.ts';
import type { FallbackMiddleware } from './fallback.ts';
import './request.ts';

function create(options?: GraphitiFallbackOptions): FallbackMiddleware {
  const { manager, client, statusPath } = composeGraphiti(options);
  const pipeline = createPipeline(manager, { statusPath });
  const middleware: RequestHandler = function graphitiFallback(req, res, next) {
    const exchange = { request: req, response: res, path: req.path };
    if (pipeline.answer(exchange)) return;
    const { scope, fallback } = pipeline.begin(exchange);
    req.fallback = fallback;
    req.graphiti = scopedClient(client, scope);
    scope.run(next);
  };
  return Object.assign(middleware, { manager, close: () => pipeline.close() });
}

/** The one line, and what belongs to it. */
export interface GraphitiFallback {
  /**
   * Keeps an app working when Graphiti is down: gives handlers `req.graphiti` and `req.fallback`.
   * With no options it reads `GRAPHITI_URL`, `FALLBACK_*` and `CIRCUIT_*` from the environment.
   *
   * @throws {TypeError} when an option or a variable is wrong, naming it, what was expected and what came
   */
  (options?: GraphitiFallbackOptions): FallbackMiddleware;
  /** Answers the kit's errors as problem details (RFC 9457); mount it after the routes. */
  errors(): ErrorRequestHandler;
}

/** `app.use(graphitiFallback())`, and after the routes `app.use(graphitiFallback.errors())`. */
export const graphitiFallback: GraphitiFallback = Object.assign(create, { errors });
