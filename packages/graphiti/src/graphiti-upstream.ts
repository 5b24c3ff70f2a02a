/** Graphiti as an upstream: its address, its health checks, and its client on a manager. */

import {
  callable,
  checkOptions,
  type FallbackManager,
  type HealthChecker,
  httpUrl,
  milliseconds,
} from '@graphiti-fallback/core';
import { createClient, type GraphitiClient } from './client.ts';
import { LastGroup } from './group.ts';
import { graphitiCheckers } from './health.ts';
import { createTransport, type TransportOptions } from './transport.ts';

/** How Graphiti is reached and treated. */
export interface GraphitiOptions extends TransportOptions {
  /** Deadline of adding messages over all attempts, in ms. @default 5,000 */
  readonly messageTimeoutMs?: number;
  /** How long after sending a message that is not seen upstream may still be on its way, in ms. @default 120,000 */
  readonly reconcileFor?: number;
}

/** Graphiti, before there is a manager and after. */
export interface GraphitiUpstream {
  readonly url: string;
  /** For the manager's `health.checks`. */
  readonly checkers: readonly HealthChecker[];
  /**
   * Declares Graphiti's operations on a manager; once for each.
   *
   * @throws {TypeError} when the manager's `upstream` is another: its queue and cache would be taken for
   * those of this one
   */
  client(manager: FallbackManager): GraphitiClient;
}

const checks = {
  url: httpUrl,
  fetch: callable,
  headers: callable,
  messageTimeoutMs: milliseconds(1),
  reconcileFor: milliseconds(0),
};

/**
 * Describes Graphiti at an address.
 *
 * @throws {TypeError} when an option is unknown or wrong, naming it, what was expected and what came
 */
export function graphitiUpstream(options: GraphitiOptions): GraphitiUpstream {
  checkOptions('graphitiUpstream', options, checks);
  if (options.url === undefined)
    throw new TypeError(
      'Expected `url` of graphitiUpstream to be an http or https URL, got undefined',
    );
  const { url } = options;
  checkAddress(url);
  const transport = createTransport(options);
  const lastGroup = new LastGroup();
  return {
    url,
    checkers: graphitiCheckers(transport, lastGroup),
    client(manager) {
      if (manager.upstream === undefined || normalised(manager.upstream) !== normalised(url))
        throw new TypeError(
          "Expected the manager's `upstream` to be the `url` of graphitiUpstream: its queue and cache belong to that address",
        );
      return createClient(manager, {
        transport,
        lastGroup,
        messageTimeoutMs: options.messageTimeoutMs ?? 5_000,
        reconcileFor: options.reconcileFor,
      });
    },
  };
}

/** Equal for spellings of one address. */
function normalised(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
}

/** The address is shown in logs and is the beginning of every path; the message must not repeat it. */
function checkAddress(url: string): void {
  const { username, password, search, hash } = new URL(url);
  if (username || password || search || hash)
    throw new TypeError(
      'Expected `url` of graphitiUpstream to be without credentials (`headers` gives them), query and fragment',
    );
}
