/** A health check over HTTP. */

import { classify } from '../failure.ts';
import {
  type Check,
  callable,
  checkOptions,
  flag,
  httpUrl,
  listOf,
  milliseconds,
  text,
  wholeNumber,
} from '../option-check.ts';
import type { HealthChecker } from './checker.ts';

/** What is asked, and what counts as well. */
export interface HttpCheckOptions extends Omit<HealthChecker, 'name' | 'check'> {
  /** Asked with GET; redirects are not followed. Credentials belong into `headers`. */
  readonly url: string;
  /** @default 'http' */
  readonly name?: string;
  /** Statuses that mean healthy. @default 200 to 299 */
  readonly expect?: readonly number[];
  /** Headers of the request, asked for at each check. */
  readonly headers?: () => Readonly<Record<string, string>>;
  /** @default the global `fetch` */
  readonly fetch?: typeof globalThis.fetch;
}

const group: Readonly<Record<keyof HttpCheckOptions, Check>> = {
  url: httpUrl,
  name: text,
  expect: listOf(wholeNumber(100)),
  headers: callable,
  fetch: callable,
  proves: flag,
  critical: flag,
  breaker: text,
  applies: callable,
  timeoutMs: milliseconds(1),
  degradedAbove: milliseconds(0),
};

/**
 * Creates a check that asks an address. Another status than expected means what it means for a call: 5xx
 * and 408 unhealthy; 4xx degraded, since who refuses is there, and a wrong credential of the check must
 * not bring about fallback. No answer is unhealthy.
 *
 * A page that is only alive proves nothing about the work behind it: give `proves: false`, and it can
 * bring about an outage but not end one.
 *
 * @throws {TypeError} when an option is unknown or wrong, naming it, what was expected and what came
 */
export function httpCheck(options: HttpCheckOptions): HealthChecker {
  checkOptions('httpCheck', options, group);
  if (options.url === undefined)
    throw new TypeError('Expected `url` of httpCheck to be an http or https URL, got undefined');
  const { username, password } = new URL(options.url);
  // `fetch` refuses them; and this error must not show them.
  if (username || password)
    throw new TypeError('Expected `url` of httpCheck to be without credentials: give `headers`');
  const { url, expect, headers, name = 'http', fetch = globalThis.fetch, ...rest } = options;
  return {
    ...rest,
    name,
    async check({ signal }) {
      const response = await fetch(url, {
        signal,
        redirect: 'manual',
        ...(headers && { headers: headers() }),
      });
      // A body that is not read would hold the connection.
      await response.body?.cancel();
      const { status } = response;
      if (expect ? expect.includes(status) : response.ok) return 'healthy';
      return classify({ status: Math.max(status, 300) }).fault === 'upstream'
        ? 'unhealthy'
        : 'degraded';
    },
  };
}
