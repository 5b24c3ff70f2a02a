import { expect, onTestFinished, test, vi } from 'vitest';
import { debugSection } from './debug.ts';
import { refused, testManager } from './upstream.test.support.ts';

/** What a manager writes to stderr while `GRAPHITI_FALLBACK_DEBUG` is as given. */
function listening(sections: string | undefined) {
  vi.stubEnv('GRAPHITI_FALLBACK_DEBUG', sections);
  const lines: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    lines.push(String(text).trimEnd());
    return true;
  });
  onTestFinished(() => {
    vi.unstubAllEnvs();
    write.mockRestore();
  });
  return lines;
}

const withoutTime = (line: string) =>
  line.replace(/^\[graphiti-fallback\] \d{4}-\d\d-\d\dT[\d:.]+Z /, '');

/** An outage from its first failure to the replay. */
async function outage(options: Parameters<typeof testManager>[0] = {}) {
  const kit = testManager({
    breaker: { failureThreshold: 2, successThreshold: 1, openFor: 1_000 },
    health: { interval: 0, checks: [{ name: 'db', proves: false, check: () => 'degraded' }] },
    ...options,
  });
  await kit.get('secret-id');
  kit.upstream.fail = (name) => Object.assign(refused(), { message: `secret-text ${name}` });
  await kit.get('secret-id');
  await kit.manager.checkAndActivate();
  await kit.put({ id: 'secret-id', value: 'secret-payload' });
  kit.upstream.fail = undefined;
  await kit.clock.advance(5_000);
  await kit.manager.close();
  return kit;
}

test('every step of an outage is a line, in sections', async () => {
  const lines = listening('*');
  await outage();
  const told = lines.map(withoutTime);
  expect(told).toEqual(
    expect.arrayContaining([
      'call    items: item.get tried: success',
      'call    items: item.get ended: live in 0 ms',
      'call    items: item.get tried: unavailable',
      'cache   items: stale, 0 ms old, no live answer',
      'call    items: item.get ended: stale (unavailable) in 0 ms',
      'health  items: db degraded in 0 ms',
      'health  items: upstream unknown > degraded',
      'breaker items: items outage: queue_writes, calls, ECONNREFUSED',
      'breaker items: items closed > open (ECONNREFUSED)',
      'queue   items: item.put enqueued, 1 in its lane',
      'breaker items: items open > half_open (open_time_over)',
      'queue   items: item.put replayed',
      'breaker items: items half_open > closed (recovered)',
    ]),
  );
  expect(told).toContainEqual(
    expect.stringMatching(/^queue {3}items: item\.put replayed: done in/),
  );
  expect(told).toContainEqual(
    expect.stringMatching(/^breaker items: items outage over after \d+ ms/),
  );
});

test('no line holds a payload, a key, an id, or a text of the upstream', async () => {
  const lines = listening('*');
  await outage();
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.join('\n')).not.toContain('secret');
});

test('a store that fails is told by its code alone', async () => {
  const lines = listening('store');
  await outage({
    store: {
      kind: 'broken',
      open: async () => ({ records: 0, quarantined: [], warnings: [] }),
      entries: () => [],
      commit: async () => {
        throw Object.assign(new Error('/secret/path'), { code: 'ENOSPC' });
      },
      status: () => ({ kind: 'broken', durability: 'disk', writable: false }),
      close: async () => {},
    },
  }).catch(() => {});
  expect(lines.map(withoutTime)).toContainEqual(
    expect.stringMatching(/^store {3}items: broken failed: \w+ \(ENOSPC\)$/),
  );
  expect(lines.join('\n')).not.toContain('secret');
});

test('only the sections that are named are written', async () => {
  const lines = listening('breaker, queue');
  await outage();
  const sections = new Set(lines.map((line) => withoutTime(line).split(' ')[0]));
  expect(sections).toEqual(new Set(['breaker', 'queue']));
});

test('nothing is written unless it is asked for', async () => {
  const lines = listening(undefined);
  await outage();
  expect(lines).toEqual([]);
  expect(debugSection('queue')).toBeUndefined();
});

test('a section that there is not is said, and costs nothing', async () => {
  const lines = listening('braker,queue');
  const warning = new Promise<Error>((resolve) => process.once('warning', resolve));
  await outage();
  expect((await warning).message).toBe(
    "GRAPHITI_FALLBACK_DEBUG has 'braker', expected * or some of setup, call, breaker, cache, queue, health, store",
  );
  expect(lines.some((line) => withoutTime(line).startsWith('queue'))).toBe(true);
});
