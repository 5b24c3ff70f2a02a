import { readFileSync } from 'node:fs';
import { expect, inject, test } from 'vitest';
import { linked, lostAtTheKill, named, print, upwards } from './demo-spans.ts';
import { follow, type JaegerSpan } from './query.ts';

const { url } = inject('jaeger');
const { service, report } = inject('demo');
const { linkPatterns } = JSON.parse(
  readFileSync(
    new URL('jaeger/ui-config.json', import.meta.resolve('@graphiti-fallback/otel/package.json')),
    'utf8',
  ),
) as { linkPatterns: { key: string; url: string }[] };

test('every queued write has its send, once', () => {
  const ids = named('send graphiti').map(({ tags }) => tags['messaging.message.id']);
  expect(new Set(ids).size).toBe(ids.length);
  // Of an answer that was lost on its way the users know nothing.
  expect(ids.length).toBeGreaterThanOrEqual(report.queued - lostAtTheKill);
});

test("from a user's request the id leads to its replay after the restart, which links back", async () => {
  const found = await linked('a write that was queued, and its replay after the restart');
  const all = found.flatMap(({ spans }) => spans);
  const send = all.find(({ name }) => name === 'send graphiti');
  expect(upwards(send).map(({ name }) => name)).toEqual([
    'send graphiti',
    'graphiti.add_message',
    'request handler',
    'POST /groups/:group/messages',
  ]);
  const id = 'messaging.message.id';
  const replay = all.find(
    ({ name, tags }) =>
      name === 'process graphiti' &&
      tags[id] === send?.tags[id] &&
      tags['graphiti_fallback.queue.result'] === 'done',
  );
  expect(replay?.links[0]).toEqual({ traceId: send?.traceId, spanId: send?.spanId });
  expect(replay?.tags['graphiti_fallback.queue.origin_trace_id']).toBe(send?.traceId);
  expect(replay?.resource['service.instance.id']).not.toBe(send?.resource['service.instance.id']);
  const traceOf = (span: JaegerSpan | undefined) =>
    found.find(({ traceId }) => traceId === span?.traceId);
  print('A write of a user', traceOf(send));
  print('The drain that replayed it after the restart', traceOf(replay));
});

test('what works in the background belongs to no request', () => {
  const replays = named('process graphiti');
  expect(replays.length).toBeGreaterThanOrEqual(report.queued - lostAtTheKill);
  const above = replays.flatMap((span) => upwards(span).map(({ name }) => name));
  expect(new Set(above)).toEqual(new Set(['process graphiti', 'drain graphiti']));
});

test("the links of Jaeger's page lead from a write to its whole way, and back to its request", async () => {
  const [replay] = named('process graphiti');
  const links = new Map(
    linkPatterns.map(({ key, url: pattern }) => {
      const value = String(replay?.tags[key]);
      return [key, pattern.replaceAll(`#{${key}}`, value).replace('my-app', service)];
    }),
  );
  const way = await follow(`${url}${links.get('messaging.message.id')}`);
  const steps = way.flatMap((trace) => trace.spans.map(({ name }) => name));
  expect(steps).toEqual(expect.arrayContaining(['send graphiti', 'process graphiti']));
  const origin = replay?.links[0]?.traceId;
  expect(links.get('graphiti_fallback.queue.origin_trace_id')).toBe(`/trace/${origin}`);
  expect(named('send graphiti').map(({ traceId }) => traceId)).toContain(origin);
});
