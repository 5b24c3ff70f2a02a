/** What every adapter does with a request, on Node's own request and response. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkOptions, FallbackManager, RequestScope } from '@graphiti-fallback/core';
import onHeaders from 'on-headers';
import { type FallbackHandle, fallbackHandle } from './fallback-handle.ts';
import { onceListening } from './listening.ts';
import { addResponseHeaders } from './response-headers.ts';
import { answerStatus, defaultStatusPath } from './status-page.ts';

/** A request as an adapter hands it on. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path below where the middleware is mounted, without the query. */
  readonly path: string;
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
export interface Pipeline {
  readonly manager: FallbackManager;
  /** Answers what is the kit's own to answer: then the adapter is done with the request. */
  answer(exchange: Exchange): boolean;
  /** Opens the request's scope. */
  begin(exchange: Exchange): RequestTools;
  /** Ends the work in the background; see {@link FallbackManager.close}. */
  close(): Promise<void>;
}

/** Creates the pipeline of one manager. */
export function createPipeline(manager: FallbackManager, options: PipelineOptions = {}): Pipeline {
  if (
    !(manager instanceof FallbackManager) &&
    typeof Reflect.get(Object(manager), 'status') !== 'function'
  )
    throw new TypeError(`Expected a FallbackManager, got ${String(manager)}`);
  checkOptions('fallback', options, { statusPath: () => undefined });
  const statusPath = checkedPath(options.statusPath ?? defaultStatusPath);
  const stopWaiting = onceListening(() => void manager.open());
  manager.statusPath = statusPath;

  return {
    manager,
    answer({ request, response, path }) {
      return withoutSlash(path) === statusPath && answerStatus(request, response, manager);
    },
    begin({ response }) {
      const scope = new RequestScope();
      onHeaders(response, () => {
        // Whatever fails here, the app's answer goes out.
        try {
          addResponseHeaders(response, manager, scope);
        } catch {}
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

function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}
