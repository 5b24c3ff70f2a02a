/** The middleware for any upstream. */

import type { FallbackManager } from '@graphiti-fallback/core';
import { createPipeline, type PipelineOptions } from '@graphiti-fallback/http';
import type { Middleware, ParameterizedContext } from 'koa';
import { exchangeOf } from './exchange.ts';
import { createRouterWarning } from './router-warning.ts';
import './context.ts';

/** Middleware with the manager behind it. */
export interface FallbackMiddleware extends Middleware {
  readonly manager: FallbackManager;
  /** Ends the work in the background; call it when the server has closed. */
  close(): Promise<void>;
}

/**
 * Makes a manager's middleware: headers that tell what was served from where, `ctx.fallback`, and the
 * status at `statusPath`.
 *
 * @throws {TypeError} when it is no manager, or an option is wrong, naming it and what was expected
 */
export function fallback(
  manager: FallbackManager,
  options?: PipelineOptions<ParameterizedContext>,
): FallbackMiddleware {
  const pipeline = createPipeline(manager, options);
  const warnOnRouter = createRouterWarning();
  const middleware: Middleware = function fallback(ctx, next) {
    warnOnRouter(ctx, middleware);
    const exchange = exchangeOf(ctx);
    const answered = pipeline.answer(exchange);
    if (answered) {
      ctx.respond = false;
      return answered;
    }
    const tools = pipeline.begin(exchange);
    ctx.fallback = tools.fallback;
    return tools.scope.run(next);
  };
  return Object.assign(middleware, { manager, close: () => pipeline.close() });
}
