/** A request as an adapter hands it on. */

import type { IncomingMessage, ServerResponse } from 'node:http';

/** Node's own request and response, and what only the framework knows of them. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path below where the middleware is mounted, without the query. */
  readonly path: string;
  /** Where the middleware is mounted, as the client sees it: `/api`. @default '' */
  readonly mountPath?: string;
  /** What the client asked for, where the framework changes `request.url`. @default request.url */
  readonly originalUrl?: string;
  /** The host that the client asked, of a forwarded header only as the app trusts it. @default the header `Host` */
  readonly host?: string | undefined;
  /** What a body parser has made of the body, where one has been there. */
  readonly body?: unknown;
  /** What `authorize` is given. @default request */
  readonly caller?: unknown;
}
