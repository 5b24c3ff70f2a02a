/** The kit's errors as problem details. */

import { answerProblem } from '@graphiti-fallback/http';
import type { Middleware } from 'koa';

/** Answers the kit's errors as problem details (RFC 9457), and leaves all others to the app. */
export function errors(): Middleware {
  return async function graphitiFallbackErrors(ctx, next) {
    try {
      await next();
    } catch (error) {
      if (!answerProblem(error, ctx.res)) throw error;
      ctx.respond = false;
    }
  };
}
