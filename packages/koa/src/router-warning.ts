/** Says once that the middleware is on a router, where some requests never reach it. */

import type { Middleware, ParameterizedContext } from 'koa';

/** Made for one middleware; call it with each request's context. */
export function createRouterWarning(): (ctx: ParameterizedContext, own: Middleware) => void {
  let warned = false;
  return (ctx, own) => {
    if (warned || !isOnRouter(ctx, own)) return;
    warned = true;
    process.emitWarning(
      'The middleware of graphiti-fallback is on a router, which runs it for its own routes only: the status path answers 404. Put it on the app: app.use(graphitiFallback())',
      'FallbackWarning',
    );
  };
}

/** A router that merely ran before leaves its routes in `ctx.matched`, too; only ours tell. */
function isOnRouter(ctx: ParameterizedContext, own: Middleware): boolean {
  const matched: unknown = ctx.matched;
  return (
    Array.isArray(matched) &&
    matched.some(({ stack }) => Array.isArray(stack) && stack.includes(own))
  );
}
