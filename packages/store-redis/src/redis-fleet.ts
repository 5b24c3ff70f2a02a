/** What instances find out together about their upstream, in a Redis. */

import { randomUUID } from 'node:crypto';
import type {
  Attendance,
  BreakerView,
  FleetView,
  Identity,
  SharedFleet,
  SharedOutage,
} from '@graphiti-fallback/core';
import { Keys, shortName } from './keys.ts';
import { listOf, type Reply } from './link.ts';
import type { ScriptName } from './scripts/scripts.ts';
import type { Server } from './server.ts';

/** An instance that says nothing for so long counts no more, in ms. */
const presenceMs = 5_000;

/** The view, kept in one Redis. */
export class RedisFleet implements SharedFleet {
  readonly #server: Server;
  readonly #instance = randomUUID();
  /** Breakers that it spoke of. */
  readonly #breakers = new Set<string>();
  #keys = new Keys({ manager: '', hash: '' });

  constructor(server: Server) {
    this.#server = server;
  }

  async open(identity: Identity, warn: (message: string) => void): Promise<void> {
    this.#keys = new Keys(identity);
    await this.#server.connect('fleet', { warn, onUsable: () => {} });
  }

  get available(): boolean {
    return this.#server.usableFor('fleet');
  }

  async attend(breakers: readonly Attendance[]): Promise<FleetView> {
    const names = breakers.map(({ breaker }) => breaker);
    const args = breakers.flatMap(({ state, retryInMs }) => [state, Math.ceil(retryInMs)]);
    const [instances, ...views] = listOf(await this.#run('attend', names, args));
    return { instances: Number(instances), breakers: views.map(viewOf) };
  }

  async report(breaker: string, outage: SharedOutage): Promise<SharedOutage> {
    const { id, since, trigger, reason, trace } = outage;
    const lasts = Math.max(0, Math.ceil(Date.now() - since));
    const args = [id, trigger, reason, trace ? JSON.stringify(trace) : '', lasts];
    return outageOf(await this.#run('report', [breaker], args)) ?? outage;
  }

  async end(breaker: string, outage: string): Promise<boolean> {
    return (await this.#run('end', [breaker], [outage])) === 1;
  }

  async throttled(breaker: string, pauseMs: number): Promise<number> {
    return Number(await this.#run('throttle', [breaker], [Math.ceil(pauseMs)]));
  }

  async close(): Promise<void> {
    if (this.available) await this.#run('goodbye', [...this.#breakers], []).catch(() => {});
    this.#server.close('fleet');
  }

  #run(
    script: ScriptName,
    breakers: readonly string[],
    args: readonly (string | number)[],
  ): Promise<Reply> {
    this.#server.assertUsableFor('fleet');
    for (const breaker of breakers) this.#breakers.add(breaker);
    const keys = [this.#keys.instances, ...breakers.flatMap((name) => this.#keysOf(name))];
    return this.#server.work.run(script, keys, [this.#instance, presenceMs, ...args]);
  }

  #keysOf(breaker: string): readonly string[] {
    return this.#keys.breaker(shortName(breaker));
  }
}

function viewOf(reply: Reply): BreakerView {
  const [phase, probes, throttles, pausedForMs, known, ended] = listOf(reply);
  const outage = phase === 'open' ? outageOf(known) : undefined;
  return {
    ...(outage && { outage }),
    probes: probes === 1,
    ended: String(ended).split(' '),
    throttles: Number(throttles),
    pausedForMs: Number(pausedForMs),
  };
}

function outageOf(reply: Reply | undefined): SharedOutage | undefined {
  const [id, since, trigger, reason, trace] = listOf(reply);
  if (typeof id !== 'string') return undefined;
  return {
    id,
    since: Number(since),
    trigger: trigger as SharedOutage['trigger'],
    reason: String(reason),
    ...(typeof trace === 'string' && trace !== '' && { trace: JSON.parse(trace) }),
  };
}
