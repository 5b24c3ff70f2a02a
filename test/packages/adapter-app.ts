/** The apps that users write: one for each adapter. */

import { inject } from 'vitest';
import { preambleOf } from './preambles.ts';
import { type PublishedPackage, publishedPackages } from './published-packages.ts';
import { importsOf, readmeSnippets, type Snippet } from './snippets.ts';
import { userDependencies } from './user-dependencies.ts';

/** What the user of an adapter has: everything but the other adapters and their frameworks. */
export interface AdapterApp {
  /** The adapter's name. */
  readonly adapter: string;
  /** Those that such an app can use. */
  readonly snippets: Snippet[];
  /** What such an app has already: the packages' peers, and what the snippets import. */
  readonly dependencies: Record<string, string>;
  /** The tarballs that are added to it. */
  readonly kit: string[];
}

/** One app for each package that is tagged as an adapter. */
export function adapterApps(): AdapterApp[] {
  const packages = publishedPackages();
  const adapters = packages.filter(({ adapter }) => adapter);
  return adapters.map((adapter) => {
    const kit = packages.filter((one) => one === adapter || !one.adapter);
    const known = new Set(kit.flatMap(namesOf));
    const foreign = new Set(adapters.flatMap(namesOf).filter((name) => !known.has(name)));
    const snippets = readmeSnippets().filter(
      (snippet) =>
        !importsOf(`${preambleOf(snippet)}\n${snippet.code}`).some((name) => foreign.has(name)),
    );
    return {
      adapter: adapter.manifest.name,
      snippets,
      dependencies: userDependencies(kit, snippets),
      kit: kit.map(({ manifest: { name } }) => inject('tarballs')[name] ?? name),
    };
  });
}

/** Its own and those of its peers. */
function namesOf({ manifest: { name, peerDependencies = {} } }: PublishedPackage): string[] {
  return [name, ...Object.keys(peerDependencies)];
}
