/** Every file that is generated, by its path. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { stringify } from 'yaml';
import { build } from '../src/board.ts';
import { boards } from '../src/boards.ts';
import { alerts } from '../src/rules/alerts.ts';
import { recordings } from '../src/rules/recordings.ts';

/** Their contents; paths are below this workspace. */
export function artefacts(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [name, board] of Object.entries(boards)) {
    const dashboard = build(board);
    files.set(`grafana/${name}.json`, json(dashboard));
    files.set(`sharing/${name}.json`, json(forSharing(dashboard)));
  }
  files.set('prometheus/recordings.yaml', rules('graphiti-fallback-recordings', recordings));
  files.set('prometheus/alerts.yaml', rules('graphiti-fallback-alerts', alerts));
  return files;
}

/** For grafana.com and for people who are asked for the data source at import. */
function forSharing(dashboard: Dashboard): object {
  const text = JSON.stringify(dashboard).replaceAll('${datasource}', '${DS_PROMETHEUS}');
  const shared = JSON.parse(text) as { templating?: { list?: { name: string }[] } };
  const list = shared.templating?.list?.filter(({ name }) => name !== 'datasource');
  return {
    __inputs: [
      {
        name: 'DS_PROMETHEUS',
        label: 'Prometheus',
        description: 'Where the metrics of the kit are',
        type: 'datasource',
        pluginId: 'prometheus',
        pluginName: 'Prometheus',
      },
    ],
    __requires: [
      { type: 'grafana', id: 'grafana', name: 'Grafana', version: '11.0.0' },
      { type: 'datasource', id: 'prometheus', name: 'Prometheus', version: '1.0.0' },
    ],
    ...shared,
    templating: { list },
  };
}

function rules(name: string, rules: readonly object[]): string {
  return `# Generated: npm run generate\n${stringify({ groups: [{ name, rules }] }, { lineWidth: 0 })}`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
