/** Async handlers on Express 4. */

import type { RequestHandler } from 'express';

type Query = Parameters<RequestHandler>[0]['query'];
/** Bound so loosely that `req.params` still follows from the route's path. */
// biome-ignore lint/suspicious/noExplicitAny: Express' own stand-in for params and bodies of any kind
type AnyHandler = RequestHandler<any, any, any, Query>;

/**
 * Hands what an async handler throws to Express' error handling. Express 5 does so by itself; on
 * Express 4 a rejected handler is an unhandled rejection, which ends the process.
 *
 * @throws {TypeError} when it is given no function
 */
export function handler<Handler extends (...args: Parameters<AnyHandler>) => unknown>(
  handle: Handler,
): Handler {
  if (typeof handle !== 'function')
    throw new TypeError(`Expected a handler to be a function, got ${String(handle)}`);
  const wrapped: AnyHandler = function graphitiFallbackHandler(req, res, next) {
    const handled = async () => handle(req, res, next);
    // Without a reason `next` would go on to the next route, as if nothing had happened.
    return handled().catch((error) =>
      next(error ?? new Error('A handler was rejected without a reason')),
    );
  };
  return wrapped as Handler;
}
