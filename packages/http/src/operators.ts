/** Who may look closer and act: asked of the app, and never of another site's page. */

import type { IncomingMessage } from 'node:http';
import type { FallbackManager } from '@graphiti-fallback/core';
import type { Exchange } from './exchange.ts';
import { sendProblem } from './problem.ts';
import { closeUnread } from './request-body.ts';

/**
 * Whether a request may see lanes and act; a text allows it, too, and names who it is in the audit.
 * What it throws denies.
 */
export type Authorize<Caller = IncomingMessage> = (
  caller: Caller,
) => boolean | string | undefined | Promise<boolean | string | undefined>;

/** Who may, and under which names this app may be asked. */
export interface Access {
  readonly authorize: Authorize<never>;
  readonly hosts?: readonly string[] | undefined;
}

/** Somebody who may. */
export interface Operator {
  readonly name?: string;
}

const longestName = 100;
let complained = false;

/** Asks the app, unless another site's page asks; nothing where it denies. */
export async function operatorOf(
  exchange: Exchange,
  { authorize, hosts }: Access,
): Promise<Operator | undefined> {
  if (isCrossSite(exchange) || !isKnownHost(exchange, hosts)) return undefined;
  try {
    // The adapter says who calls, and what its `authorize` is given.
    const caller = (exchange.caller ?? exchange.request) as never;
    const answer = await authorize(caller);
    if (answer === true) return {};
    if (typeof answer !== 'string' || answer === '') return undefined;
    return { name: printable(answer).slice(0, longestName) };
  } catch (error) {
    if (!complained)
      process.emitWarning(`\`authorize\` threw, which denies: ${String(error)}`, 'FallbackWarning');
    complained = true;
    return undefined;
  }
}

/** Tells the audit that somebody was not let, and them. Never rejects. */
export async function denied(exchange: Exchange, manager: FallbackManager): Promise<void> {
  manager.audit('denied');
  closeUnread(exchange.response);
  const detail = 'Only operators of this app may do this';
  sendProblem(exchange.response, 403, 'FALLBACK_FORBIDDEN', detail);
}

/**
 * Whether a browser sends this for another site's page. Browsers say so themselves, over https; else the
 * `Origin`, which they send with every POST, must be this host. Programs send neither.
 */
function isCrossSite({ request, host = request.headers.host }: Exchange): boolean {
  const { origin } = request.headers;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}

/**
 * A page of another site can have its own name lead here (DNS rebinding): then the browser takes it for
 * this app's page, and only the name tells. It may set a forwarded header, but never `Host`: both count.
 */
function isKnownHost({ request, host }: Exchange, hosts: readonly string[] | undefined): boolean {
  if (!hosts) return true;
  const known = new Set(hosts.map((each) => each.toLowerCase()));
  const isKnown = (asked = '') =>
    known.has(asked.toLowerCase()) || known.has(asked.toLowerCase().replace(/:\d+$/, ''));
  // HTTP/2 has it under another name.
  const sent = request.headers.host ?? request.headers[':authority']?.toString();
  return isKnown(sent) && isKnown(host ?? sent);
}

/** In one line of a log. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ').trim();
}
