/** The packages that get published: found in packages/, packed as npm would publish them. */

import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { npm } from './npm.ts';

/** The checkout. */
export const root = join(import.meta.dirname, '../..');

/** What is read of a package.json. */
export interface Manifest {
  name: string;
  private?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** A package of ours. */
export interface PublishedPackage {
  /** From the root. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** For one web framework: an app has one of them. */
  readonly adapter: boolean;
}

/** All packages that are not private. */
export function publishedPackages(): PublishedPackage[] {
  return globSync('packages/*/package.json', { cwd: root })
    .map((file) => dirname(file))
    .sort()
    .map((folder) => ({
      folder,
      manifest: readJson<Manifest>(join(folder, 'package.json')),
      adapter: readJson<{ tags: string[] }>(join(folder, 'turbo.json')).tags.includes('adapter'),
    }))
    .filter(({ manifest }) => !manifest.private);
}

/** The package.json of every workspace and of the root: where versions are written. */
export function allManifests(): Manifest[] {
  return globSync(['package.json', '{packages,examples}/*/package.json', 'test/package.json'], {
    cwd: root,
  }).map((file) => readJson<Manifest>(file));
}

/** Packs what was built; answers each package's tarball by its name. */
export async function packPackages(destination: string): Promise<Record<string, string>> {
  const workspaces = publishedPackages().flatMap(({ folder }) => ['-w', folder]);
  const report = await npm(
    root,
    'pack',
    '--json',
    '--pack-destination',
    destination,
    ...workspaces,
  );
  const packed: { name: string; filename: string }[] = JSON.parse(report);
  return Object.fromEntries(
    packed.map(({ name, filename }) => [name, join(destination, filename)]),
  );
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}
