/** Graphiti as an upstream: its address, its health checks, and its client on a manager. */

import {
  callable,
  checkOptions,
  type FallbackManager,
  type FallbackManagerOptions,
  type HealthChecker,
  httpUrl,
  milliseconds,
} from '@graphiti-fallback/core';
import { searchBreaker } from './capability.ts';
import { createClient, type GraphitiClient } from './client.ts';
import { type ConfirmOptions, checkConfirm } from './confirm-options.ts';
import { LastGroup } from './group.ts';
import { graphitiCheckers } from './health.ts';
import { LastSearch } from './last-search.ts';
import { createTransport, type TransportOptions } from './transport.ts';

/** How Graphiti is reached and treated. */
export interface GraphitiOptions extends TransportOptions {
  /** Deadline of adding messages over all attempts, in ms. @default 5,000 */
  readonly messageTimeoutMs?: number;
  /** How long after sending a message that is not seen upstream may still be on its way, in ms. @default 120,000 */
  readonly reconcileFor?: number;
  /**
   * How messages are confirmed: Graphiti acknowledges them before it stores them, and may lose them. Until
   * a message is seen in the episodes of its group it stays in the store. `false`: an acknowledged message
   * is taken as stored. @default within 600,000 ms, and what is not seen by then is reported
   */
  readonly confirm?: ConfirmOptions | false;
}

/** What a manager of Graphiti begins with; whatever stands after it in the manager's options wins. */
export interface GraphitiPreset
  extends Required<Pick<FallbackManagerOptions, 'timeouts' | 'retry' | 'drain' | 'health'>> {
  readonly upstream: string;
}

/** Graphiti, before there is a manager and after. */
export interface GraphitiUpstream {
  readonly url: string;
  /**
   * Options of a manager that fit Graphiti: `new FallbackManager({ ...upstream.preset, name })`. One try
   * more for a read, since each is paid for in the embedder; and few replays at once, since Graphiti
   * takes a message long before it has done anything with it, and so never says that it is too much.
   */
  readonly preset: GraphitiPreset;
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
  confirm: () => undefined,
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
  const { url, confirm = {} } = options;
  checkConfirm(confirm);
  checkAddress(url);
  const transport = createTransport(options);
  const lastGroup = new LastGroup();
  const lastSearch = new LastSearch();
  let declaredOn: FallbackManager | undefined;
  const checkers = graphitiCheckers({
    transport,
    lastGroup,
    lastSearch,
    isStalled: () => declaredOn?.queue.stalled,
    isSearchOff: () => declaredOn?.breaker(searchBreaker).active ?? false,
  });
  return {
    url,
    preset: {
      upstream: url,
      timeouts: { read: 5_000, write: 10_000 },
      retry: { retries: 1 },
      drain: { limit: 4 },
      health: { checks: checkers },
    },
    checkers,
    client(manager) {
      if (manager.upstream === undefined || normalised(manager.upstream) !== normalised(url))
        throw new TypeError(
          "Expected the manager's `upstream` to be the `url` of graphitiUpstream: its queue and cache belong to that address",
        );
      declaredOn = manager;
      return createClient(manager, {
        transport,
        lastGroup,
        lastSearch,
        messageTimeoutMs: options.messageTimeoutMs ?? 5_000,
        reconcileFor: options.reconcileFor,
        confirm: confirm || undefined,
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
