/** Koa's context as the pipeline takes it. */

import type { Exchange } from '@graphiti-fallback/http';
import type { ParameterizedContext } from 'koa';

/** What koa-mount strips from `ctx.path` is the mount path; its `ctx.mountPath` knows the innermost part only. */
export function exchangeOf(ctx: ParameterizedContext): Exchange {
  const { path, originalUrl } = ctx;
  // A client may also ask with a whole URL; its host is nothing to repeat in a Location.
  const [asked = ''] = originalUrl.startsWith('/') ? originalUrl.split('?') : [path];
  const below = path === '/' && !asked.endsWith('/') ? '' : path;
  const mountPath = asked.endsWith(below) ? asked.slice(0, asked.length - below.length) : '';
  return { request: ctx.req, response: ctx.res, path, mountPath };
}
