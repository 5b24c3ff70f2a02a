/** Whether the server lives, past all fallback. */

import type { CallOptions } from '@graphiti-fallback/core';
import { withDeadline } from './deadline.ts';
import { checkDeadline } from './input.ts';
import type { Health } from './model.ts';
import type { Parts } from './parts.ts';
import { requestHealth } from './requests.ts';

/** Asks the server whether it lives. */
export type Healthcheck = (options?: CallOptions) => Promise<Health>;

/** How long a liveness answer may take, in ms, unless the caller says otherwise. */
const livenessTimeout = 5_000;

/** Creates the call. */
export function createHealthcheck({ transport }: Pick<Parts, 'transport'>): Healthcheck {
  return async function healthcheck({ signal, timeoutMs = livenessTimeout } = {}) {
    checkDeadline('healthcheck', timeoutMs);
    return withDeadline(timeoutMs, signal, (either) => requestHealth(transport, either));
  };
}
