import { expect, test } from 'vitest';
import { composeStores } from './compose-stores.ts';
import { FallbackManager } from './manager.ts';
import { memoryJournal } from './memory-journal.ts';

const logger = false;

test('two managers cannot have one store: one’s writes would go to the other’s upstream', async () => {
  const store = memoryJournal();
  const first = new FallbackManager({ name: 'first', logger, store });
  const second = () => new FallbackManager({ name: 'second', logger, store });
  expect(second).toThrow(/`store` of its own for 'second', got the one of 'first'/);
  const cache = () => new FallbackManager({ name: 'second', logger, cache: { store } });
  expect(cache).toThrow(/the one of 'first'/);
  await first.close();
  await second().close();
});

test('one manager may have it for both, and a wrong option takes none', async () => {
  const store = memoryJournal();
  const wrong = () => new FallbackManager({ name: 'x', logger, store, closeTimeout: -1 });
  expect(wrong).toThrow(/closeTimeout/);
  await new FallbackManager({ name: 'x', logger, store, cache: { store } }).close();
});

test('a store is also taken where another one is made of it', async () => {
  const [shared, other] = [memoryJournal(), memoryJournal()];
  const store = composeStores({ queue: other, values: shared });
  const first = new FallbackManager({ name: 'first', logger, store });
  const second = () =>
    new FallbackManager({ name: 'second', logger, store: composeStores({ queue: shared }) });
  expect(second).toThrow(/`store` of its own for 'second', got the one of 'first'/);
  await first.close();
  await second().close();
});
