/** The apps that users write: one for each adapter and each API of OpenTelemetry. */

import { inject } from 'vitest';
import { preambleOf } from './preambles.ts';
import { type PublishedPackage, publishedPackages } from './published-packages.ts';
import { importsOf, readmeSnippets, type Snippet } from './snippets.ts';
import { userDependencies } from './user-dependencies.ts';

/** What the user of an adapter has: everything but the other adapters and their frameworks. */
export interface AdapterApp {
  /** The adapter's name. */
  readonly adapter: string;
  /** Version of the API. */
  readonly api: string;
  /** Those that such an app can use. */
  readonly snippets: Snippet[];
  /** What such an app has already: the packages' peers, and what the snippets import. */
  readonly dependencies: Record<string, string>;
  /** The tarballs that are added to it. */
  readonly kit: string[];
}

/** What works with the newest API only. */
const newestOnly = ['@opentelemetry/sdk-node', '@graphiti-fallback/otel'];
const apis = [
  { api: '1.9.0', without: newestOnly },
  { api: '~1.10.0', without: [] },
];

/** One app for each package that is tagged as an adapter, and each API. */
export function adapterApps(): AdapterApp[] {
  return apis.flatMap(({ api, without }) => appsWith(api, without));
}

function appsWith(api: string, without: readonly string[]): AdapterApp[] {
  const packages = publishedPackages();
  const adapters = packages.filter(({ adapter }) => adapter);
  return adapters.map((adapter) => {
    const kit = packages.filter(
      (one) => (one === adapter || !one.adapter) && !without.includes(one.manifest.name),
    );
    const known = new Set(kit.flatMap(namesOf));
    const others = adapters.flatMap(namesOf).filter((name) => !known.has(name));
    const foreign = new Set([...others, ...without]);
    const snippets = readmeSnippets().filter(
      (snippet) =>
        !importsOf(`${preambleOf(snippet)}\n${snippet.code}`).some((name) => foreign.has(name)),
    );
    return {
      adapter: adapter.manifest.name,
      api,
      snippets,
      dependencies: { ...userDependencies(kit, snippets), '@opentelemetry/api': api },
      kit: kit.map(({ manifest: { name } }) => inject('tarballs')[name] ?? name),
    };
  });
}

/** Its own and those of its peers. */
function namesOf({ manifest: { name, peerDependencies = {} } }: PublishedPackage): string[] {
  return [name, ...Object.keys(peerDependencies)];
}
