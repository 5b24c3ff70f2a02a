import { expect, test } from 'vitest';
import { memoryJournal } from './memory-journal.ts';
import { refused, testManager } from './upstream.test.support.ts';

const checks = [
  { name: 'db', check: () => undefined },
  { name: 'search', critical: false, check: () => 'unhealthy' as const },
];

test('a manager that is live', async () => {
  const { clock, manager, get, put } = testManager({
    breaker: { openFor: 30_000 },
    health: { interval: 10_000, checks },
  });
  await get('a');
  await put({ id: 'a', value: '1' });
  await clock.advance(95_000);
  expect(manager.inspect()).toBe(
    `
items             live (queue_writes when it is not)
breaker items     closed for 1.6 min; 2 succeeded, 0 failed, 0 refused
reads             1 live, 0 cache, 0 stale, 0 entity
writes            1 applied, 0 accepted, 0 queued, 0 stored
in vain           0 rejected, 0 failure
queue             empty
cache             1 kept, 52 B; not asked yet
health            degraded, the upstream degraded
  db              healthy for 1.6 min, 10 in a row; last 4.5 s ago, took 0 ms
  search          unhealthy for 1.6 min, 10 in a row; last 4.5 s ago, took 0 ms; alerting
  fallback.store  healthy for 1.6 min, 10 in a row; last 4.5 s ago, took 0 ms
  fallback.queue  healthy for 1.6 min, 10 in a row; last 4.5 s ago, took 0 ms
store             memory, memory, writable
telemetry         traces: none, metrics: none
`.trim(),
  );
});

test('a manager in an outage, and set apart by hand, and closed', async () => {
  const { clock, manager, upstream, get, put } = testManager({
    breaker: { failureThreshold: 1, openFor: 30_000 },
    health: { interval: 0, checks },
  });
  await get('secret');
  upstream.fail = refused;
  await get('secret');
  await put({ id: 'secret', value: 'secret' });
  await clock.advance(12_300);
  const lines = manager.inspect().split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'items             fallback is active: queue_writes, for 12.3 s (calls, ECONNREFUSED)',
      'breaker items     open for 12.3 s; tries again in 17.7 s; 1 succeeded, 1 failed, 1 refused',
      'queue             1 ready; lanes: 1 ready, 0 blocked; the oldest for 12.3 s',
      'cache             1 kept, 62 B; 100 % found',
      '  db              not checked yet',
    ]),
  );
  await manager.activate('read_only', 'moving house');
  expect(manager.inspect()).toMatch(/fallback is active: read_only, for 12\.3 s \(manual\)/);
  expect(manager.inspect()).toMatch(/isolated for 0 ms; by hand: moving house; 1 succeeded/);
  expect(manager.inspect()).not.toContain('secret');
  await manager.close();
  expect(manager.inspect()).toMatch(/^items +closed$/m);
});

test('a manager whose store had something to say when it opened', async () => {
  const kept = memoryJournal();
  const warnings = ['a folder is not as it was', 'and another'];
  const store = { ...kept, open: async () => ({ records: 0, quarantined: [], warnings }) };
  const { manager } = testManager({ store });
  const said: string[] = [];
  manager.on('warning', ({ message }) => said.push(message));
  await manager.open();
  expect(said).toEqual(warnings);
  expect(manager.status().store.report?.warnings).toEqual(warnings);
  expect(manager.inspect()).toMatch(
    /writable; 2 warnings at its start: status\(\)\.store\.report$/m,
  );
  expect(manager.inspect()).not.toContain('a folder');
});
