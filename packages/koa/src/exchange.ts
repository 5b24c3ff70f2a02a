/** Koa's context as the pipeline takes it. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange } from '@graphiti-fallback/http';
import type { ParameterizedContext } from 'koa';

/** What koa-mount strips from `ctx.path` is the mount path; its `ctx.mountPath` knows the innermost part only. */
export function exchangeOf(ctx: ParameterizedContext): Exchange {
  return new KoaExchange(ctx);
}

/** A class, so that what few requests ask for is computed for those only. */
class KoaExchange implements Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly mountPath: string;
  readonly caller: ParameterizedContext;

  constructor(ctx: ParameterizedContext) {
    this.request = ctx.req;
    this.response = ctx.res;
    this.path = ctx.path;
    this.mountPath = mountPathOf(ctx);
    this.caller = ctx;
  }

  get originalUrl(): string {
    return this.caller.originalUrl;
  }

  get body(): unknown {
    return Reflect.get(this.caller.request, 'body');
  }

  /** Forwarded where `app.proxy` says so. */
  get host(): string {
    return this.caller.host;
  }
}

function mountPathOf({ path, originalUrl }: ParameterizedContext): string {
  if (path === originalUrl || originalUrl.startsWith(`${path}?`)) return '';
  // A client may also ask with a whole URL; its host is nothing to repeat in a Location.
  const [asked = ''] = originalUrl.startsWith('/') ? originalUrl.split('?') : [path];
  const below = path === '/' && !asked.endsWith('/') ? '' : path;
  return asked.endsWith(below) ? asked.slice(0, asked.length - below.length) : '';
}
