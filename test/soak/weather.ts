/** Outages of all kinds, one after the other, at random. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Fault, GraphitiServer } from '@graphiti-fallback/testing';

interface WeatherOptions {
  readonly server: GraphitiServer;
  /** Numbers from 0 to 1, without 1. */
  readonly random: () => number;
  readonly onOutage: (fault: Fault) => void;
  readonly signal: AbortSignal;
}

/** How long an outage and the fair weather after it last, in ms. */
const outage = { least: 500, most: 4_000 };
const fair = { least: 1_000, most: 6_000 };

/**
 * A worker that is dead without a word is left out: what it acknowledged is lost, whoever asks.
 * Slow ones are done before the app sends again what is absent.
 */
const faults: readonly Fault[] = [
  { kind: 'refuse' },
  { kind: 'unavailable' },
  { kind: 'error' },
  { kind: 'error', applied: true },
  { kind: 'hang' },
  { kind: 'hang', applied: true },
  { kind: 'slow', ms: 2_000 },
  { kind: 'slow', ms: 1_000, applied: true },
  { kind: 'throttle', retryAfter: 1 },
  { kind: 'reset' },
  { kind: 'reset', applied: true },
];
/** Some strike only writes. */
const writes = { match: { method: 'POST', path: '/messages' } };

/** Plays outages until the signal; all is well then. */
export async function weather({ server, random, onOutage, signal }: WeatherOptions): Promise<void> {
  const between = ({ least, most }: typeof outage) => least + random() * (most - least);
  const wait = (ms: number) => pause(ms, undefined, { signal }).catch(() => {});
  while (!signal.aborted) {
    const fault = faults[Math.floor(random() * faults.length)] ?? { kind: 'refuse' };
    const narrow = fault.kind !== 'refuse' && random() < 0.3;
    onOutage(fault);
    const heal = server.fault(narrow ? { ...fault, ...writes } : fault);
    await wait(between(outage));
    await heal();
    await wait(between(fair));
  }
  await server.heal();
}
