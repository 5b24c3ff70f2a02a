/** Express' request as the pipeline takes it. */

import type { Exchange } from '@graphiti-fallback/http';
import type { Request, Response } from 'express';

/** `path` and `baseUrl` are below the mount and of the mount, however deep the routers are nested. */
export function exchangeOf(req: Request, res: Response): Exchange {
  return { request: req, response: res, path: req.path, mountPath: req.baseUrl };
}
