/** An app that goes through short outages, one after the other, with calls in between: `outages calls`. */

import { setTimeout as pause } from 'node:timers/promises';
import { FallbackManager } from '@graphiti-fallback/core';

const [outages = 0, calls = 0] = process.argv.slice(2).map(Number);
const upstream = { down: false };
const manager = new FallbackManager({
  name: 'items',
  application: 'outages-app',
  logger: false,
  retry: { retries: 0 },
  breaker: { failureThreshold: 1, successThreshold: 1, openFor: 20 },
});
const run = async () => {
  if (upstream.down) throw Object.assign(new Error('down'), { status: 503 });
  return { value: 1 };
};
const read = manager.read('items.get', { run });
const entity = () => ({ type: 'item', id: 'one' });
const write = manager.write('items.save', { run, entity, idempotent: true });

for (let outage = 0; outage < outages; outage += 1) {
  for (let call = 0; call < calls; call += 1) await read(undefined);
  upstream.down = true;
  await write(undefined);
  upstream.down = false;
  while (manager.active || manager.status().queue.replayed <= outage) await pause(5);
}
await manager.close();
