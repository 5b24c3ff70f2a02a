/** What is left is exported when the process ends, and the process ends as it would without us. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Telemetry } from './telemetry.ts';

/** How long a dying process waits for its backend, in ms. */
const patience = 2_000;
/** How often is exported from an app's signal on: it may call `process.exit()` at any time. In ms. */
const lastInterval = 200;

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Exports at the process's end: by itself, by a signal, or by an error that nobody catches. */
export function flushOnExit({ flush, shutdown }: Pick<Telemetry, 'flush' | 'shutdown'>): void {
  process.once('beforeExit', () => void shutdown());
  // Before all others, and gone when they are called: who counts listeners to know whether it is for him
  // to end the process, as signal-exit and Sentry do, must not count these.
  process.prependOnceListener('uncaughtException', onUncaught);
  for (const signal of signals) process.prependOnceListener(signal, onSignal);

  async function onSignal(signal: NodeJS.Signals): Promise<void> {
    if (process.listenerCount(signal) > 0) {
      void flush();
      setInterval(flush, lastInterval).unref();
      return;
    }
    await Promise.race([shutdown(), pause(patience)]);
    process.kill(process.pid, signal);
  }

  async function onUncaught(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): Promise<void> {
    if (process.listenerCount('uncaughtException') > 0) return void flush();
    await Promise.race([shutdown(), pause(patience)]);
    // Again, and nobody listens: Node prints it and ends the process as it always does.
    if (origin === 'unhandledRejection') return void Promise.reject(error);
    setImmediate(() => {
      throw error;
    });
  }
}
