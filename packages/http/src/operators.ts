/** Who may look closer and act: asked of the app, and never of another site's page. */

import type { IncomingMessage } from 'node:http';
import type { FallbackManager } from '@graphiti-fallback/core';
import type { Exchange } from './exchange.ts';

/**
 * Whether a request may see lanes and act; a text allows it, too, and names who it is in the audit.
 * What it throws denies.
 */
export type Authorize<Caller = IncomingMessage> = (
  caller: Caller,
) => boolean | string | undefined | Promise<boolean | string | undefined>;

/** Somebody who may. */
export interface Operator {
  readonly name?: string;
}

const longestName = 100;
let complained = false;

/** Asks the app; nothing where it denies. */
export async function operatorOf(
  exchange: Exchange,
  authorize: Authorize<never>,
): Promise<Operator | undefined> {
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

/** Tells the audit that somebody was not let. */
export function auditDenied(manager: FallbackManager): void {
  manager.audit('denied');
}

/**
 * Whether a browser sends this for another site's page. Browsers say so themselves, over https; else the
 * `Origin`, which they send with every POST, must be this host. Programs send neither.
 */
export function isCrossSite({ request, host = request.headers.host }: Exchange): boolean {
  const { origin } = request.headers;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}

/** In one line of a log. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ').trim();
}
