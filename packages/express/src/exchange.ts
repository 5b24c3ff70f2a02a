/** Express' request as the pipeline takes it. */

import type { Exchange } from '@graphiti-fallback/http';
import type { Request, Response } from 'express';

/** `path` and `baseUrl` are below the mount and of the mount, however deep the routers are nested. */
export function exchangeOf(req: Request, res: Response): Exchange {
  return new ExpressExchange(req, res);
}

/** A class, so that what few requests ask for is computed for those only. */
class ExpressExchange implements Exchange {
  readonly request: Request;
  readonly response: Response;
  readonly path: string;
  readonly mountPath: string;

  constructor(req: Request, res: Response) {
    this.request = req;
    this.response = res;
    this.path = req.path;
    this.mountPath = req.baseUrl;
  }

  get originalUrl(): string {
    return this.request.originalUrl;
  }

  get body(): unknown {
    return this.request.body;
  }

  /** With the port, which `req.hostname` leaves out; forwarded where the app's `trust proxy` says so. */
  get host(): string | undefined {
    const { app, socket } = this.request;
    const trusts: (address: string | undefined, hop: number) => boolean =
      app.get('trust proxy fn') ?? (() => false);
    const forwarded = trusts(socket.remoteAddress, 0)
      ? this.request.get('X-Forwarded-Host')
      : undefined;
    return forwarded?.split(',')[0]?.trim() ?? this.request.get('Host');
  }
}
