/** What Graphiti can do now, tried out past all fallback, in the caller's own time. */

import { type CallOptions, classify, isFallbackError } from '@graphiti-fallback/core';
import { withDeadline } from './deadline.ts';
import { checkDeadline } from './input.ts';
import type { Parts } from './parts.ts';
import { requestEpisodes, requestHealth, requestProbe } from './requests.ts';

/** How one thing that Graphiti does was found. */
export type Capability =
  | { readonly state: 'works' }
  /** The `code` is an HTTP status, a system error code or `timeout`. */
  | { readonly state: 'fails'; readonly code: string }
  /** Nothing was learnt: it was refused (such as `401` and `429`), or there is `no_group` to try it on. */
  | { readonly state: 'unknown'; readonly code: string };

/** What Graphiti can do now. */
export interface Capabilities {
  /** The server answers. It does so even when nothing else works. */
  readonly live: Capability;
  /** The database is read: the newest message of the group that was used last. */
  readonly episodes: Capability;
  /** A question is embedded and searched for. */
  readonly search: Capability;
}

/** Tries out what Graphiti can do. */
export type Probe = (options?: CallOptions) => Promise<Capabilities>;

/** How long each answer may take, in ms, unless the caller says otherwise. */
const probeTimeout = 5_000;

/** Creates the call. It makes no group, and says nothing to the breaker. */
export function createProbe({
  transport,
  lastGroup,
}: Pick<Parts, 'transport' | 'lastGroup'>): Probe {
  return async function probe({ signal, timeoutMs = probeTimeout } = {}) {
    checkDeadline('probe', timeoutMs);
    const { id } = lastGroup;
    const tried = (send: (signal: AbortSignal) => Promise<unknown>) =>
      outcomeOf(withDeadline(timeoutMs, signal, send), signal);
    const [live, episodes, search] = await Promise.all([
      tried((either) => requestHealth(transport, either)),
      id === undefined
        ? ({ state: 'unknown', code: 'no_group' } as const)
        : tried((either) =>
            requestEpisodes(transport, { group_id: id, last_n: 1 }, { signal: either }),
          ),
      tried((either) => requestProbe(transport, id, either)),
    ]);
    return { live, episodes, search };
  };
}

/** Only the caller's own abort is thrown. */
async function outcomeOf(
  answer: Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<Capability> {
  try {
    await answer;
    return { state: 'works' };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (isFallbackError(error, 'FALLBACK_TIMEOUT')) return { state: 'fails', code: 'timeout' };
    const { fault, code } = classify(error);
    return { state: fault === 'upstream' ? 'fails' : 'unknown', code };
  }
}
