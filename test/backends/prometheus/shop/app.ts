/**
 * A shop that uses every part of the kit, with telemetry by @graphiti-fallback/otel. It has customers all
 * the time; single things it does when its parent says so.
 */

import { FallbackManager, httpCheck } from '@graphiti-fallback/core';
import { lowdbStore } from '@graphiti-fallback/store-lowdb';

const { UPSTREAM = '', DIRECTORY = '' } = process.env;

const manager = new FallbackManager({
  name: 'shop',
  upstream: UPSTREAM,
  store: lowdbStore({ directory: DIRECTORY }),
  breaker: { failureThreshold: 3, openFor: 1_000 },
  cache: { maxEntries: 20 },
  entities: { maxEntries: 3 },
  queue: { maxEntries: 40 },
  retry: { initialDelay: 20 },
  recoveryRamp: 500,
  health: {
    checks: [httpCheck({ name: 'upstream', url: `${UPSTREAM}/health`, proves: false })],
    interval: 500,
    shedding: 0.5,
  },
  logger: false,
});

interface Answer {
  readonly id: string;
  /** Messages that are done. */
  readonly done: readonly string[];
}

async function call(method: string, path: string, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(`${UPSTREAM}/${path}`, { method, signal });
  const body = (await response.json()) as Answer;
  if (!response.ok) throw Object.assign(new Error('upstream'), { status: response.status });
  return body;
}

const getItem = manager.read('item.get', {
  run: (id: string, { signal }) => call('GET', `items/${id}`, signal),
  entities: (id) => [{ type: 'item', id }],
});
const getPrice = manager.read('price.get', {
  run: (id: string, { signal }) => call('GET', `prices/${id}`, signal),
  ttl: 60_000,
});
const getNote = manager.read('note.get', {
  run: (id: string, { signal }) => call('GET', `notes/${id}`, signal),
  entities: (id) => [{ type: 'note', id }],
  fromEntity: ({ id }) => ({ id }),
});
const search = manager.read('search', {
  run: (words: string, { signal }) => call('GET', `search/${words}`, signal),
  breaker: 'search',
});
const saveItem = manager.write('item.save', {
  run: ({ id }: { id: string }, { signal }) => call('PUT', `items/${id}`, signal),
  entity: ({ id }) => ({ type: 'item', id }),
  idempotent: true,
  coalesce: true,
});
const order = manager.write('order', {
  run: ({ id }: { id: string }, { signal }) => call('POST', `orders/${id}`, signal),
  lane: ({ id }) => id,
});
const deliver = manager.write('deliver', {
  run: ({ id }: { id: string }, { signal }) => call('POST', `deliveries/${id}`, signal),
  lane: ({ id }) => id,
  available: () => false, // the process that delivers is another
});
const postMessage = manager.write('message.post', {
  run: ({ id }: { id: string }, { signal }) => call('POST', `messages/${id}`, signal),
  confirm: {
    together: () => 'all',
    async look(messages, { signal }) {
      const { done } = await call('GET', 'messages', signal);
      return messages.filter(({ input }) => done.includes(input.id)).map(({ id }) => id);
    },
    within: 1_000,
    interval: 200,
    maxInterval: 500,
  },
});

let number = 0;
const customers = setInterval(() => {
  number += 1;
  const [item, other] = [`item-${number % 7}`, `item-${(number + 3) % 7}`];
  void settled(getItem(item), getPrice(item), search(item));
  if (number % 4 === 0) void settled(saveItem({ id: other }), getItem('invalid-1'));
  if (number % 10 === 0) void settled(getItem(`rare-${number}`));
}, 50);

/** What each word of the parent has it do. */
const deeds: Readonly<Record<string, () => Promise<unknown>>> = {
  /** In an outage: all that can become of queued writes. */
  async trouble() {
    await settled(
      ...['invalid-2', 'secret-1', 'doubtful-1', 'hasty-1', 'fine-1'].map((id) => order({ id })),
      deliver({ id: 'parcel-1' }),
      getNote('one'),
    );
    // More than there is room for; one of the others may just be trying the upstream, and needs its place.
    await settled(...Array.from({ length: 50 }, (_, index) => order({ id: `many-${index}` })));
  },
  notes: () =>
    settled(
      ...['four', 'three', 'two', 'one'].map((id) => manager.storeEntity({ type: 'note', id })),
    ),
  /** The upstream acknowledges all of them, and does all but one. */
  messages: () => settled(...['lost-1', 'fine-2', 'fine-3'].map((id) => postMessage({ id }))),
  isolate: () =>
    manager.activate('local_storage', 'maintenance').then(() => order({ id: 'local-1' })),
  restore: () => manager.deactivate(),
  async end() {
    clearInterval(customers);
    await manager.close();
    process.disconnect();
  },
};

process.on('message', async (deed: string) => {
  await deeds[deed]?.();
  process.send?.(deed);
});
process.send?.('ready');

async function settled(...calls: readonly PromiseLike<unknown>[]): Promise<void> {
  await Promise.allSettled(calls);
}
