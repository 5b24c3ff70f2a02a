/** How the status is served. */

import type { IncomingMessage } from 'node:http';
import { type Check, callable } from '@graphiti-fallback/core';
import type { EventStreamOptions } from './event-streams.ts';
import type { Authorize } from './operators.ts';

/** Options of the status, its page and its actions. */
export interface StatusOptions<Caller = IncomingMessage> {
  /** Where the status is served, below where the middleware is mounted. @default '/health/fallback' */
  readonly statusPath?: string | undefined;
  /** The whole path of the status as clients see it, where a proxy changes it. @default as it is asked for */
  readonly publicPath?: string | undefined;
  /** Where a trace is found, with `{traceId}` in its place: links on the page. @default no links */
  readonly traceUrl?: string | undefined;
  /** Who may see lanes and act on the queue and the breakers over HTTP. @default nobody */
  readonly authorize?: Authorize<Caller> | undefined;
  /**
   * Names under which operators ask for this app, with the port or without: `['localhost', 'ops.example.com']`.
   * Who asks for another one neither sees lanes nor acts. Give it where `authorize` decides by address:
   * then any site's page could act through the browser of somebody who may (DNS rebinding). Behind a proxy
   * give both names, the one that operators ask for and the one that the proxy asks for in `Host`.
   *
   * @default any name
   */
  readonly hosts?: readonly string[] | undefined;
  /** Bounds of the streams of changes. */
  readonly events?: EventStreamOptions | undefined;
}

/** A path that begins with one slash, without what is no path. */
const path: Check = (value) =>
  typeof value === 'string' && /^\/(?!\/)[^?#\s\\]*$/.test(value)
    ? undefined
    : 'a path that begins with /';

const traceUrl: Check = (value) =>
  typeof value === 'string' &&
  value.includes('{traceId}') &&
  URL.canParse(value) &&
  /^https?:$/.test(new URL(value).protocol)
    ? undefined
    : 'an http or https URL with {traceId} in it';

const isHost = (value: unknown): boolean =>
  typeof value === 'string' && URL.canParse(`http://${value}`) && !/[/?#@\s]/.test(value);

const group: Check = (value) =>
  typeof value === 'object' && value !== null ? undefined : 'an object of options';

/** What each has to be. */
export const statusChecks: Readonly<Record<keyof StatusOptions, Check>> = {
  statusPath: path,
  publicPath: path,
  traceUrl,
  authorize: callable,
  hosts: (value) =>
    Array.isArray(value) && value.length > 0 && value.every(isHost)
      ? undefined
      : 'a list of host names, each with its port or without',
  events: group,
};

/** Where the status is served unless said otherwise. */
export const defaultStatusPath = '/health/fallback';
