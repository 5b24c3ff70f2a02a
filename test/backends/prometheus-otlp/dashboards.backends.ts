import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testDashboards } from '../prometheus/dashboard-tests.ts';
import { type Played, playOutage } from '../prometheus/outage-of-shop.ts';
import { PrometheusApi } from '../prometheus/query.ts';
import { otlpPrometheusServer, type PrometheusServer } from '../prometheus/server.ts';
import { shippedRules } from '../prometheus/shipped-dashboards.ts';
import { openShop, type Shop } from '../prometheus/shop/shop.ts';

/** Of its own, in a Prometheus that may have the metrics of others. */
const job = `shop-${randomUUID().slice(0, 8)}`;

let prometheus: PrometheusServer;
let shop: Shop;
let api: PrometheusApi;
let played: Played;

beforeAll(async () => {
  prometheus = await otlpPrometheusServer(shippedRules);
  api = new PrometheusApi(prometheus.url);
  shop = await openShop({
    OTEL_SERVICE_NAME: job,
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${prometheus.url}/api/v1/otlp/v1/metrics`,
    OTEL_METRIC_EXPORT_INTERVAL: '1000',
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  });
  played = await playOutage(shop, api, [job]);
});

afterAll(async () => {
  await shop?.close();
  await prometheus?.close();
});

testDashboards(() => ({ api, played, job }));

test('every rule that is there is evaluated without an error', async () => {
  const rules = await api.rules();
  expect(rules.filter(({ health, lastError }) => health !== 'ok' || lastError)).toEqual([]);
});
