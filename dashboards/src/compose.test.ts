import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { boards } from './boards.ts';
import { variables } from './variables.ts';

const root = join(import.meta.dirname, '..');

interface Service {
  readonly image: string;
  readonly volumes?: readonly string[];
  readonly ports: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

function yaml(path: string) {
  return parse(readFileSync(join(root, path), 'utf8'));
}

const services: Readonly<Record<string, Service>> = yaml('compose.yaml').services;

/** Where a file of a container lies here. */
function mounted(service: string, path: string): string {
  for (const volume of services[service]?.volumes ?? []) {
    const [from = '', to = ''] = volume.split(':');
    if (path === to || path.startsWith(`${to}/`)) return join(root, from, path.slice(to.length));
  }
  return '';
}

test('whatever is mounted is there, read-only', () => {
  for (const volume of Object.values(services).flatMap(({ volumes = [] }) => volumes)) {
    const [from = '', , mode] = volume.split(':');
    expect({ volume, there: existsSync(join(root, from)), mode }).toMatchObject({
      there: true,
      mode: 'ro',
    });
  }
});

test('images have versions, and nothing listens beyond the machine', () => {
  for (const { image, ports } of Object.values(services)) {
    expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  }
});

test('programs are told of files that are mounted', () => {
  const files = [
    ['collector', services.collector?.command?.[0]],
    ['prometheus', services.prometheus?.command?.[0]],
    ['grafana', services.grafana?.environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH],
    ...yaml('compose/prometheus.yaml').rule_files.map((file: string) => ['prometheus', file]),
  ] as [string, string][];
  for (const [service, file] of files) {
    const path = mounted(service, file.replace(/^--config(\.file)?=/, ''));
    expect({ file, there: existsSync(path) }).toEqual({ file, there: true });
  }
});

test('Grafana finds every dashboard, and nothing twice', () => {
  const [provider] = yaml('provisioning/dashboards/graphiti-fallback.yaml').providers;
  for (const name of Object.keys(boards))
    expect(existsSync(mounted('grafana', `${provider.options.path}/${name}.json`))).toBe(true);
  expect(existsSync(mounted('grafana', `${provider.options.path}/sharing`))).toBe(false);
});

test('hosts that files name are services, and what the collector sends has somebody who takes it', () => {
  const { exporters, receivers, processors, service } = yaml('compose/collector.yaml');
  const sources = yaml('provisioning/datasources/graphiti-fallback.yaml').datasources;
  const addresses = [
    exporters['otlp/jaeger'].endpoint,
    exporters['otlphttp/prometheus'].endpoint,
    ...sources.map(({ url }: { url: string }) => url),
  ];
  for (const address of addresses)
    expect(Object.keys(services)).toContain(/^(?:http:\/\/)?(\w+):\d+/.exec(address)?.[1]);
  expect(services.prometheus?.command).toContain('--web.enable-otlp-receiver');
  for (const pipeline of Object.values<Record<string, string[]>>(service.pipelines)) {
    expect(Object.keys(receivers)).toEqual(expect.arrayContaining(pipeline.receivers ?? []));
    expect(Object.keys(processors)).toEqual(expect.arrayContaining(pipeline.processors ?? []));
    expect(Object.keys(exporters)).toEqual(expect.arrayContaining(pipeline.exporters ?? []));
  }
});

test("Jaeger's page is where the dashboards' links lead", () => {
  const address = variables()
    .find((each) => each.build().name === 'jaeger_url')
    ?.build();
  const port = new URL(String(address?.query)).port;
  expect(services.jaeger?.ports).toContain(`127.0.0.1:${port}:${port}`);
});
