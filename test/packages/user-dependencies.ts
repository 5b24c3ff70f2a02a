/** What a user installs beside the kit. */

import { allManifests, type PublishedPackage } from './published-packages.ts';
import { importsOf, type Snippet } from './snippets.ts';

/**
 * The peers of `packages` and what `snippets` import, with the types of both, in the versions that
 * this repository names.
 *
 * @throws {Error} when a snippet imports a package that has no version here
 */
export function userDependencies(
  packages: PublishedPackage[],
  snippets: Snippet[],
): Record<string, string> {
  const ours = new Set(packages.map(({ manifest }) => manifest.name));
  const peers = Object.assign({}, ...packages.map(({ manifest }) => manifest.peerDependencies));
  const dependencies: Record<string, string> = {
    '@types/node': rangeOf('@types/node') ?? '*',
    ...peers,
  };
  for (const { name: snippet, code } of snippets) {
    for (const name of importsOf(code)) {
      if (ours.has(name) || dependencies[name]) continue;
      const range = rangeOf(name);
      if (!range) throw new Error(`${snippet} imports ${name}: add it to test/package.json`);
      dependencies[name] = range;
    }
  }
  for (const name of Object.keys(dependencies)) {
    const types = `@types/${name.replace(/^@(.+)\//, '$1__')}`;
    const range = rangeOf(types);
    if (range) dependencies[types] = range;
  }
  return dependencies;
}

function rangeOf(name: string): string | undefined {
  const ranges = allManifests().map(
    ({ dependencies, devDependencies }) => dependencies?.[name] ?? devDependencies?.[name],
  );
  return ranges.find((range) => range !== undefined);
}
