/** What every adapter does with a request, on Node's own request and response. */

import type { IncomingMessage } from 'node:http';
import { checkOptions, FallbackManager, type RequestScope } from '@graphiti-fallback/core';
import type { Exchange } from './exchange.ts';
import { type FallbackHandle, fallbackHandle } from './fallback-handle.ts';
import { onceListening } from './listening.ts';
import { beginResponse } from './response.ts';
import { defaultStatusPath, type StatusOptions, statusChecks } from './status-options.ts';
import { createStatusRoutes } from './status-routes.ts';

/** What a handler may use. */
export interface RequestTools {
  /** The handlers of the app run inside it. */
  readonly scope: RequestScope;
  readonly fallback: FallbackHandle;
}

/** How the pipeline is set up. */
export type PipelineOptions<Caller = IncomingMessage> = StatusOptions<Caller>;

/** The framework-free part of an adapter. */
export interface Pipeline<Tools extends RequestTools = RequestTools> {
  readonly manager: FallbackManager;
  /**
   * Answers what is the kit's own to answer: then the adapter is done with the request. Resolves when
   * it is answered, and never rejects; `undefined` where the request is the app's.
   */
  answer(exchange: Exchange): Promise<void> | undefined;
  /** Opens the request's scope; the response's headers are written when its head is sent. */
  begin(exchange: Exchange): Tools;
  /** Ends the work in the background; see {@link FallbackManager.close}. */
  close(): Promise<void>;
}

/**
 * Creates the pipeline of one manager.
 *
 * @throws {TypeError} when it is no manager, or an option is wrong, naming it and what was expected
 */
export function createPipeline<Caller = IncomingMessage>(
  manager: FallbackManager,
  options: PipelineOptions<Caller> = {},
): Pipeline {
  if (
    !(manager instanceof FallbackManager) &&
    typeof Reflect.get(Object(manager), 'status') !== 'function'
  )
    throw new TypeError(`Expected a FallbackManager, got ${String(manager)}`);
  checkOptions('fallback', options, statusChecks);
  const statusPath = withoutSlash(options.statusPath ?? defaultStatusPath);
  const publicPath = options.publicPath && withoutSlash(options.publicPath);
  const operations = `${statusPath}/operations/`;
  const publicOperations = publicPath && `${publicPath}/operations/`;
  const routes = createStatusRoutes(manager, options);
  const stopWaiting = onceListening(() => {
    routes.start();
    void manager.open();
  });
  manager.statusPath = publicPath ?? (statusPath || '/');

  return {
    manager,
    answer(exchange) {
      const { path, response } = exchange;
      if (!path.startsWith(statusPath) || response.headersSent) return undefined;
      const rest = withoutSlash(path).slice(statusPath.length);
      return rest === '' || rest.startsWith('/') ? routes.answer(exchange, rest) : undefined;
    },
    begin({ response, mountPath = '' }) {
      const scope = beginResponse(response, {
        manager,
        operations: publicOperations ?? `${withoutSlash(mountPath)}${operations}`,
      });
      return { scope, fallback: fallbackHandle(manager, scope) };
    },
    close() {
      stopWaiting();
      routes.close();
      return manager.close();
    },
  };
}

/** Not by a pattern: `/\/+$/` takes quadratic time on a path of slashes, which a client may send. */
function withoutSlash(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}
