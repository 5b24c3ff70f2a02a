/** What every adapter does with a request, on Node's own request and response. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkOptions, FallbackManager, type RequestScope } from '@graphiti-fallback/core';
import { type FallbackHandle, fallbackHandle } from './fallback-handle.ts';
import { onceListening } from './listening.ts';
import { answerOperation } from './operation-page.ts';
import { beginResponse } from './response.ts';
import { answerStatus, defaultStatusPath } from './status-page.ts';

/** A request as an adapter hands it on. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path below where the middleware is mounted, without the query. */
  readonly path: string;
  /** Where the middleware is mounted, as the client sees it: `/api`. @default '' */
  readonly mountPath?: string;
}

/** What a handler may use. */
export interface RequestTools {
  /** The handlers of the app run inside it. */
  readonly scope: RequestScope;
  readonly fallback: FallbackHandle;
}

/** How the pipeline is set up. */
export interface PipelineOptions {
  /** Where the status is served, below the mount path. @default '/health/fallback' */
  readonly statusPath?: string | undefined;
}

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
 * @throws {TypeError} when it is no manager, or `statusPath` is not a path
 */
export function createPipeline(manager: FallbackManager, options: PipelineOptions = {}): Pipeline {
  if (
    !(manager instanceof FallbackManager) &&
    typeof Reflect.get(Object(manager), 'status') !== 'function'
  )
    throw new TypeError(`Expected a FallbackManager, got ${String(manager)}`);
  checkOptions('fallback', options, { statusPath: () => undefined });
  const statusPath = checkedPath(options.statusPath ?? defaultStatusPath);
  const operations = `${statusPath}/operations/`;
  const stopWaiting = onceListening(() => void manager.open());
  manager.statusPath = statusPath || '/';

  return {
    manager,
    answer({ request, response, path }) {
      if (response.headersSent || (request.method !== 'GET' && request.method !== 'HEAD'))
        return undefined;
      const asked = withoutSlash(path);
      if (asked === statusPath) return answerStatus(response, manager);
      const id = asked.startsWith(operations) ? asked.slice(operations.length) : '';
      return id && !id.includes('/') ? answerOperation(response, manager, id) : undefined;
    },
    begin({ response, mountPath = '' }) {
      const scope = beginResponse(response, {
        manager,
        operations: `${withoutSlash(mountPath)}${operations}`,
      });
      return { scope, fallback: fallbackHandle(manager, scope) };
    },
    close() {
      stopWaiting();
      return manager.close();
    },
  };
}

function checkedPath(path: string): string {
  if (typeof path === 'string' && /^\/[^?#]*$/.test(path)) return withoutSlash(path);
  throw new TypeError(
    `Expected \`statusPath\` to be a path that begins with /, got ${JSON.stringify(path)}`,
  );
}

/** Not by a pattern: `/\/+$/` takes quadratic time on a path of slashes, which a client may send. */
function withoutSlash(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}
