/** The one line for an app that uses Graphiti. */

import { createGraphitiPipeline, type GraphitiFallbackOptions } from '@graphiti-fallback/http';
import type { Middleware, ParameterizedContext } from 'koa';
import { errors } from './errors.ts';
import { exchangeOf } from './exchange.ts';
import type { FallbackMiddleware } from './fallback.ts';
import { createRouterWarning } from './router-warning.ts';
import './context.ts';

function create(options?: GraphitiFallbackOptions<ParameterizedContext>): FallbackMiddleware {
  const pipeline = createGraphitiPipeline(options);
  const warnOnRouter = createRouterWarning();
  const middleware: Middleware = function graphitiFallback(ctx, next) {
    warnOnRouter(ctx, middleware);
    const exchange = exchangeOf(ctx);
    const answered = pipeline.answer(exchange);
    if (answered) {
      ctx.respond = false;
      return answered;
    }
    const { scope, fallback, graphiti } = pipeline.begin(exchange);
    ctx.fallback = fallback;
    ctx.graphiti = graphiti;
    return scope.run(next);
  };
  return Object.assign(middleware, {
    manager: pipeline.manager,
    close: () => pipeline.close(),
  });
}

/** The one line, and what belongs to it. */
export interface GraphitiFallback {
  /**
   * Keeps an app working when Graphiti is down: gives handlers `ctx.graphiti` and `ctx.fallback`.
   * With no options it reads `GRAPHITI_URL`, `FALLBACK_*` and `CIRCUIT_*` from the environment.
   *
   * @throws {TypeError} when an option or a variable is wrong, naming it, what was expected and what came
   */
  (options?: GraphitiFallbackOptions<ParameterizedContext>): FallbackMiddleware;
  /** Answers the kit's errors as problem details (RFC 9457); mount it first. */
  errors(): Middleware;
}

/** `app.use(graphitiFallback.errors())`, then `app.use(graphitiFallback())`. */
export const graphitiFallback: GraphitiFallback = Object.assign(create, { errors });
