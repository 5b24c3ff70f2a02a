/** What an orchestrator asks: is the process alive, can it serve, and does it serve as it should. */

import type { ServerResponse } from 'node:http';
import type { FallbackManager, FallbackStatus } from '@graphiti-fallback/core';
import { sendJson } from './own-answer.ts';
import type { StatusReader } from './status-reader.ts';

/** The answer of a probe: 200 or 503 say the same. */
export interface Probe {
  readonly status: 'ok' | 'degraded' | 'starting' | 'closed';
  /** Codes of what is not as it should be. */
  readonly reasons: readonly ProbeReason[];
}

/** What can be amiss. */
export type ProbeReason =
  | 'fallback_active'
  | 'store_not_writable'
  | 'store_damaged'
  | 'dead_letters'
  | 'lanes_stopped'
  | 'queue_paused'
  | 'unhealthy';

/** The questions: `live` is about the process, `ready` about serving at all, `degraded` about serving well. */
export const probes: readonly string[] = ['live', 'ready', 'degraded'];

/** How long a probe waits for what an earlier process left to be read, in ms. */
const patience = 500;

/**
 * Answers a probe. An upstream that is down makes no app unready: it goes on by fallback, and taking it
 * out of service would turn the upstream's outage into the app's. Never rejects.
 */
export async function answerProbe(
  response: ServerResponse,
  { manager, read, asked }: { manager: FallbackManager; read: StatusReader; asked: string },
): Promise<void> {
  const opened = await withinPatience(manager.open());
  const probe = probeOf(opened, read);
  const good =
    asked === 'live' || probe.status === 'ok' || (asked === 'ready' && probe.status === 'degraded');
  sendJson(response, good ? 200 : 503, probe);
}

function probeOf(opened: boolean, read: StatusReader): Probe {
  try {
    const status = read();
    if (status.closed) return { status: 'closed', reasons: [] };
    if (!opened) return { status: 'starting', reasons: [] };
    const reasons = reasonsOf(status);
    return { status: reasons.length > 0 ? 'degraded' : 'ok', reasons };
  } catch {
    return { status: 'starting', reasons: [] };
  }
}

function reasonsOf({ breakers, store, queue, health }: FallbackStatus): ProbeReason[] {
  const { dead, blocked, parked } = queue.states;
  const amiss: Readonly<Record<ProbeReason, boolean>> = {
    fallback_active: Object.values(breakers).some(({ state }) => state !== 'closed'),
    store_not_writable: !store.writable,
    store_damaged: (store.report?.quarantined.length ?? 0) + (store.report?.missing ?? 0) > 0,
    dead_letters: dead > 0,
    lanes_stopped: blocked + parked > 0,
    queue_paused: queue.paused,
    unhealthy: health.status === 'degraded' || health.status === 'unhealthy',
  };
  return (Object.keys(amiss) as ProbeReason[]).filter((reason) => amiss[reason]);
}

async function withinPatience(opening: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, patience, false);
  });
  try {
    return await Promise.race([opening.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
