/** The middleware for any upstream. */

import type { FallbackManager } from '@graphiti-fallback/core';
import { createPipeline, type PipelineOptions } from '@graphiti-fallback/http';
import type { Request, RequestHandler } from 'express';
import { exchangeOf } from './exchange.ts';
import './request.ts';

/** Middleware with the manager behind it. */
export interface FallbackMiddleware extends RequestHandler {
  readonly manager: FallbackManager;
  /** Ends the work in the background; call it when the server has closed. */
  close(): Promise<void>;
}

/**
 * Makes a manager's middleware: headers that tell what was served from where, `req.fallback`, and the
 * status at `statusPath`.
 *
 * @throws {TypeError} when it is no manager, or an option is wrong, naming it and what was expected
 */
export function fallback(
  manager: FallbackManager,
  options?: PipelineOptions<Request>,
): FallbackMiddleware {
  const pipeline = createPipeline(manager, options);
  const middleware: RequestHandler = function fallback(req, res, next) {
    const exchange = exchangeOf(req, res);
    if (pipeline.answer(exchange)) return;
    const tools = pipeline.begin(exchange);
    req.fallback = tools.fallback;
    tools.scope.run(next);
  };
  return Object.assign(middleware, { manager, close: () => pipeline.close() });
}
