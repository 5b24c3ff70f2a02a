/** The kit's errors as problem details. */

import { answerProblem } from '@graphiti-fallback/http';
import type { ErrorRequestHandler } from 'express';

/** Answers the kit's errors as problem details (RFC 9457), and leaves all others to the app. */
export function errors(): ErrorRequestHandler {
  return function graphitiFallbackErrors(error, _req, res, next) {
    if (!answerProblem(error, res)) next(error);
  };
}
