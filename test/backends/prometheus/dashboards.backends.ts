import { execFileSync } from 'node:child_process';
import { type MetricKey, metrics, prometheusNames } from '@graphiti-fallback/core/telemetry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../free-port.ts';
import { alertCases } from './alert-cases.ts';
import { testDashboards } from './dashboard-tests.ts';
import { type Played, playOutage } from './outage-of-shop.ts';
import { PrometheusApi } from './query.ts';
import { shippedAlerts, tellPromtool } from './rule-test.ts';
import { type PrometheusServer, prometheusServer } from './server.ts';
import { shippedRules } from './shipped-dashboards.ts';
import { openShop, type Shop } from './shop/shop.ts';

let prometheus: PrometheusServer;
let shop: Shop;
let api: PrometheusApi;
let played: Played;

beforeAll(async () => {
  const port = await freePort();
  const scrape = (job: string) => ({
    job_name: job,
    static_configs: [{ targets: [`127.0.0.1:${port}`] }],
  });
  prometheus = await prometheusServer({
    rules: shippedRules,
    scrapes: [scrape('shop'), { ...scrape('shop-otlp'), metric_relabel_configs: otlpNames() }],
  });
  api = new PrometheusApi(prometheus.url);
  shop = await openShop({
    OTEL_METRICS_EXPORTER: 'prometheus',
    OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
    OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  });
  played = await playOutage(shop, api, ['shop', 'shop-otlp']);
});

afterAll(async () => {
  await shop?.close();
  await prometheus?.close();
});

/** Gives metrics the names that they have where they come by OTLP. */
function otlpNames(): object[] {
  return (Object.keys(metrics) as MetricKey[])
    .map(prometheusNames)
    .filter(({ exporter, otlp }) => exporter !== otlp)
    .map(({ exporter, otlp }) => ({
      source_labels: ['__name__'],
      regex: `${exporter}(_bucket|_sum|_count|)`,
      target_label: '__name__',
      replacement: `${otlp}$1`,
    }));
}

describe("names of OpenTelemetry's Prometheus exporter", () => {
  testDashboards(() => ({ api, played, job: 'shop' }));
});

describe('names of OTLP', () => {
  testDashboards(() => ({ api, played, job: 'shop-otlp' }));
});

test('every rule is evaluated without an error', async () => {
  const rules = await api.rules();
  expect(rules.length).toBeGreaterThan(15);
  expect(rules.filter(({ health, lastError }) => health !== 'ok' || lastError)).toEqual([]);
});

test('what the scenario brought about is recorded, and alerts wait for their time', async () => {
  const rules = await api.rules();
  const recorded = rules.filter(({ type }) => type === 'recording').map(({ name }) => name);
  for (const name of recorded)
    for (const job of ['shop', 'shop-otlp'])
      expect({ name, series: (await api.now(`${name}{job="${job}"}`)).series }).toMatchObject({
        name,
        series: [expect.anything()],
      });
  const states = new Map(rules.map(({ name, state }) => [name, state]));
  for (const name of ['DeadLetters', 'LaneBlocked'])
    expect(['pending', 'firing']).toContain(states.get(`GraphitiFallback${name}`));
  for (const name of ['ActiveForLong', 'QueueOld', 'QueueGrows'])
    expect(states.get(`GraphitiFallback${name}`)).toBe('inactive');
});

test('promtool has nothing against the rules', () => {
  for (const file of shippedRules)
    expect(execFileSync('promtool', ['check', 'rules', file], { encoding: 'utf8' })).toContain(
      'SUCCESS',
    );
});

describe('told to promtool', () => {
  const told = alertCases.map((each) => ({ ...each, does: each.fires ? 'fires' : 'is quiet' }));

  test.each(told)('$alert $does: $story', (story) => {
    expect(tellPromtool(story)).toBe('passed');
  });

  test('there are stories of both kinds about every alert', () => {
    for (const { alert } of shippedAlerts) {
      const stories = alertCases.filter((story) => story.alert === alert);
      expect({ alert, fires: stories.some(({ fires }) => fires) }).toEqual({ alert, fires: true });
      expect({ alert, quiet: stories.some(({ fires }) => !fires) }).toEqual({ alert, quiet: true });
    }
  });

  test('a story that is not so does not pass', () => {
    for (const story of alertCases) {
      const { fires, ...rest } = story;
      if (fires) expect(tellPromtool(rest)).toContain('FAILED');
    }
  });
});
