import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DemoRun, runDemo } from './demo-run.ts';
import { follow, type JaegerSpan, type JaegerTrace, search } from './jaeger-query.ts';
import { type JaegerServer, jaegerServer } from './jaeger-server.ts';
import { breachesOf } from './span-check.ts';
import { traceText } from './trace-text.ts';

const { linkPatterns } = JSON.parse(
  readFileSync(
    new URL('jaeger/ui-config.json', import.meta.resolve('@graphiti-fallback/otel/package.json')),
    'utf8',
  ),
) as { linkPatterns: { key: string; url: string }[] };

/** Of its own, in a Jaeger that may have the spans of others. */
const service = `outage-demo-${randomUUID().slice(0, 8)}`;

let jaeger: JaegerServer;
let demo: DemoRun;
let traces: JaegerTrace[];
let spans: JaegerSpan[];

beforeAll(async () => {
  jaeger = await jaegerServer();
  demo = await runDemo({ service, otlp: jaeger.otlp, jaeger: jaeger.url });
  traces = await search(jaeger.url, { service });
  spans = traces.flatMap((trace) => trace.spans);
});

afterAll(() => jaeger?.close());

function named(name: string): JaegerSpan[] {
  return spans.filter((span) => span.name === name);
}

function spanAt({ traceId, spanId }: { traceId: string; spanId: string }): JaegerSpan | undefined {
  return spans.find((span) => span.traceId === traceId && span.spanId === spanId);
}

/** The span and those above it. */
function upwards(span: JaegerSpan | undefined): JaegerSpan[] {
  if (!span) return [];
  const { traceId, parentId } = span;
  return [span, ...(parentId === undefined ? [] : upwards(spanAt({ traceId, spanId: parentId })))];
}

function linked(what: string): Promise<JaegerTrace[]> {
  return follow(demo.links.get(what) ?? `${jaeger.url}/search?`);
}

test('every queued write has its send, once, and every stale answer its read', () => {
  const { queued, stale } = demo.report;
  const ids = named('send graphiti').map(({ tags }) => tags['messaging.message.id']);
  expect(new Set(ids).size).toBe(ids.length);
  // Of an answer that was lost on its way the users know nothing.
  expect(ids.length).toBeGreaterThanOrEqual(queued);
  const served = spans.filter(({ tags }) => tags['graphiti_fallback.outcome'] === 'stale');
  expect(served.length).toBeGreaterThanOrEqual(stale);
});

test('no span bears a warning, is an orphan, or links to nothing', () => {
  expect(spans.flatMap(({ name, warnings }) => warnings.map((each) => `${name}: ${each}`))).toEqual(
    [],
  );
  const orphans = spans.filter(
    ({ traceId, parentId }) => parentId !== undefined && !spanAt({ traceId, spanId: parentId }),
  );
  expect(orphans.map(({ name }) => name)).toEqual([]);
  const dangling = spans.filter(({ links }) => !links.every(spanAt));
  expect(dangling.map(({ name }) => name)).toEqual([]);
});

test('names and attributes are those of the contract', () => {
  expect([...new Set(spans.flatMap(breachesOf))]).toEqual([]);
});

test('the links of the demo lead to what they say', async () => {
  expect([...demo.links.keys()]).toEqual([
    'the outages',
    'a stale read',
    'a write that was queued, and its replay after the restart',
  ]);
  const outages = await linked('the outages');
  expect(outages.length).toBeGreaterThan(3);
  const [stale, ...others] = await linked('a stale read');
  expect(others).toEqual([]);
  expect(stale?.spans.map(({ tags }) => tags['graphiti_fallback.outcome'])).toContain('stale');
  print('a stale read', stale);
});

test("from a user's request the id leads to its replay after the restart, which links back", async () => {
  const found = await linked('a write that was queued, and its replay after the restart');
  const [request, replay] = found.sort((one, two) => start(one) - start(two));
  const send = request?.spans.find(({ name }) => name === 'send graphiti');
  expect(upwards(send).map(({ name }) => name)).toEqual([
    'send graphiti',
    'graphiti.add_message',
    'request handler',
    'POST /groups/:group/messages',
  ]);
  const process = replay?.spans.find(({ name }) => name === 'process graphiti');
  expect(process?.links).toEqual([{ traceId: send?.traceId, spanId: send?.spanId }]);
  expect(process?.tags['graphiti_fallback.queue.origin_trace_id']).toBe(send?.traceId);
  expect(process?.resource['service.instance.id']).not.toBe(send?.resource['service.instance.id']);
  print('a write of a user', request);
  print('its replay after the restart', replay);
});

test('what works in the background belongs to no request', () => {
  const replays = named('process graphiti');
  expect(replays.length).toBeGreaterThanOrEqual(demo.report.queued);
  const above = replays.flatMap((span) => upwards(span).map(({ name }) => name));
  expect(above.filter((name) => /^(GET|POST) \//.test(name))).toEqual([]);
});

test('the status is asked for all the time, and is in no trace', () => {
  const asked = spans.filter(({ tags }) => /health\/fallback/.test(String(tags['url.path'])));
  expect(asked).toEqual([]);
});

test("the links of Jaeger's page lead from a write to its whole way, and back to its request", async () => {
  const [replay] = named('process graphiti');
  const patterns = linkPatterns.map(({ key, url }) => {
    const value = String(replay?.tags[key]);
    return [key, url.replaceAll(`#{${key}}`, value).replace('my-app', service)] as const;
  });
  const links = new Map(patterns);
  const way = await follow(`${jaeger.url}${links.get('messaging.message.id')}`);
  const steps = way.flatMap((trace) => trace.spans.map(({ name }) => name));
  expect(steps).toEqual(expect.arrayContaining(['send graphiti', 'process graphiti']));
  const origin = replay?.links[0]?.traceId;
  expect(links.get('graphiti_fallback.queue.origin_trace_id')).toBe(`/trace/${origin}`);
  expect(named('send graphiti').map(({ traceId }) => traceId)).toContain(origin);
});

function start({ spans: [first] }: JaegerTrace): number {
  return first?.start ?? 0;
}

/** So that a person sees what was tested. */
function print(what: string, trace: JaegerTrace | undefined): void {
  console.log(`\n${what}\n${trace ? traceText(trace) : 'not found'}`);
}
