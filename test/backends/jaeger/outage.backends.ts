import { expect, inject, test } from 'vitest';
import { linked, named, print, spanAt, spans, upwards } from './demo-spans.ts';
import { type JaegerSpan, type JaegerTrace, search } from './query.ts';

const { url } = inject('jaeger');
const { service } = inject('demo');
/** In the order in which the demo plays them: refused, 503 with the restart, hanging. */
const outages = (await search(url, { service, operation: 'outage graphiti' })).sort(
  (one, two) => (one.spans[0]?.start ?? 0) - (two.spans[0]?.start ?? 0),
);
const trigger = 'graphiti_fallback.outage.trigger';
/** On a slow machine the checks may be the first to notice. */
const byCalls = outages.filter(({ spans }) => spans[0]?.tags[trigger] === 'calls');

test('each outage is found by name, by tag and by the link of the demo, as one trace', async () => {
  expect(outages.length).toBeGreaterThanOrEqual(3);
  const ids = idsOf(outages);
  for (const operation of ['activate graphiti', 'deactivate graphiti'])
    expect(idsOf(await search(url, { service, operation }))).toEqual(ids);
  // Searches stand behind a breaker of their own.
  const tags = { [trigger]: 'calls', 'graphiti_fallback.breaker.name': 'graphiti' };
  const tagged = await search(url, { service, tags });
  expect(idsOf(tagged)).toEqual(idsOf(byCalls));
  expect(idsOf(await linked('the outages'))).toEqual(ids);
});

test('its trace holds activation, checks, deactivation, and the whole length', () => {
  for (const outage of outages) {
    const [activate] = outage.spans.filter(({ parentId }) => parentId === undefined);
    expect(activate?.name).toBe('activate graphiti');
    const below = outage.spans.filter((span) => span !== activate);
    expect(below.every(({ parentId }) => parentId === activate?.spanId)).toBe(true);
    const names = below.map(({ name }) => name).filter((name) => !name.startsWith('health_check '));
    expect(names).toEqual(['outage graphiti', 'deactivate graphiti']);
    const triggers = new Set(outage.spans.map(({ tags }) => tags[trigger]));
    expect([...triggers]).toEqual([expect.stringMatching(/^(calls|health)$/)]);
    const [whole, end] = ['outage graphiti', 'deactivate graphiti'].map((name) =>
      outage.spans.find((span) => span.name === name),
    );
    // It is checked every second.
    if (Number(whole?.duration) > 5_000_000)
      expect(below.map(({ name }) => name)).toContain('health_check liveness');
    expect(whole?.start).toBe(activate?.start);
    expect((whole?.start ?? 0) + (whole?.duration ?? 0)).toBe(end?.start);
    expect(whole?.tags['graphiti_fallback.outage.duration']).toBe((whole?.duration ?? 0) / 1e6);
  }
  print('An outage', outages[0]);
});

test('an outage in which the app was restarted is one trace of both processes', () => {
  const instances = ({ spans }: JaegerTrace) =>
    new Set(spans.map(({ resource }) => resource['service.instance.id'])).size;
  const overRestart = outages.find((outage) => instances(outage) === 2);
  expect(instances(outages[0] as JaegerTrace)).toBe(1);
  expect(overRestart?.spans[0]?.tags['graphiti_fallback.outage.reason']).toBe('503');
  print('An outage over a restart', overRestart);
});

test('it links to the call that began it; transitions and drains link to it', () => {
  const roots = named('activate graphiti');
  const isRoot = (link: JaegerSpan['links'][number]) =>
    roots.some(({ traceId, spanId }) => traceId === link.traceId && spanId === link.spanId);
  expect(byCalls.length).toBeGreaterThan(0);
  for (const { spans: all } of byCalls) {
    const activate = all.find(({ name }) => name === 'activate graphiti');
    const [call] = activate?.links.flatMap((link) => spanAt(link) ?? []) ?? [];
    expect(upwards(call).at(-1)?.name).toMatch(/^((GET|POST) \/|drain )/);
  }
  const first = Math.min(...roots.map(({ start }) => start));
  for (const name of ['breaker_transition graphiti', 'drain graphiti']) {
    // A write may be queued, and replayed, for one failure that is no outage.
    const linking = named(name).filter(({ start }) => start >= first);
    expect(linking.length).toBeGreaterThanOrEqual(roots.length);
    expect(linking.filter(({ links }) => !links.some(isRoot))).toEqual([]);
  }
});

test('what a call went through in it says so on its own span', () => {
  const used = spans.filter(({ tags }) => tags['graphiti_fallback.fallback.used'] === true);
  const reasons = new Set(used.map(({ tags }) => tags['graphiti_fallback.fallback.reason']));
  expect(reasons).toContain('open');
  expect(used.every(({ tags }) => tags.error === undefined)).toBe(true);
});

function idsOf(traces: readonly JaegerTrace[]): string[] {
  return traces.map(({ traceId }) => traceId).sort();
}
