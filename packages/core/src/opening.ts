/** Taking up what an earlier process left in the stores. */

import type { Engine } from './engine.ts';
import type { Undo } from './events.ts';
import { namelessWarning } from './identity.ts';
import type { Journal, OpenReport } from './journal.ts';
import type { OutageMemories } from './outage-memory.ts';

/** How long the app waits for its stores at start, in ms. */
const longestOpening = 5_000;

interface Surroundings {
  readonly engine: Engine;
  readonly memories: OutageMemories;
  /** Told when the queue's store is open. */
  readonly onReport: (report: OpenReport) => void;
  /** Told when stores are open that the app did not wait for. */
  readonly onLate: () => void;
}

/** Opens the stores. Never rejects: what is wrong is told as events. */
export async function openStores(around: Surroundings): Promise<void> {
  const { clock, events } = around.engine;
  let cancel: Undo = () => {};
  const patience = new Promise<'late'>((resolve) => {
    cancel = clock.after(longestOpening, () => resolve('late'));
  });
  const opening = Promise.all([openQueue(around), openCache(around)]);
  // A store that hangs must not hold the app: what it has is taken up when it comes.
  if ((await Promise.race([opening, patience])) === 'late') {
    events.emit('warning', { message: 'A store takes long to open: the app goes on without it' });
    void opening.then(() => around.onLate());
  }
  cancel();
}

async function openQueue(around: Surroundings): Promise<void> {
  const { engine, memories, onReport } = around;
  const { store, cacheStore } = engine;
  await opened(around, store, async () => {
    const report = warnedOf(engine, await engine.queue.open());
    engine.entities.load();
    onReport(report);
    memories.resume();
    if (cacheStore === store) {
      engine.cache.load();
      const exchange = engine.exchange.open(engine.identity, warnOf(engine));
      if (exchange) await exchange;
    }
    const council = engine.council.open(engine.identity, warnOf(engine));
    if (council) await council;
    return report;
  });
}

/** What is in memory only cannot be another app's. */
function warnedOf({ identity, store }: Engine, report: OpenReport): OpenReport {
  if (identity.named || store.kind === 'memory') return report;
  return { ...report, warnings: [namelessWarning(identity), ...report.warnings] };
}

async function openCache(around: Surroundings): Promise<void> {
  const { engine } = around;
  const { store, cacheStore } = engine;
  if (cacheStore === store) return;
  await opened(around, cacheStore, async () => {
    const report = await cacheStore.open(engine.identity, 'cache');
    engine.cache.load();
    const exchange = engine.exchange.open(engine.identity, warnOf(engine));
    if (exchange) await exchange;
    return report;
  });
}

function warnOf({ events }: Engine): (message: string) => void {
  return (message) => events.emit('warning', { message });
}

async function opened(
  { engine: { events } }: Surroundings,
  store: Journal,
  open: () => Promise<OpenReport>,
): Promise<void> {
  try {
    for (const message of (await open()).warnings) events.emit('warning', { message });
  } catch (error) {
    events.emit('storeFailed', { store: store.kind, verb: 'open', error });
  }
}
