/** The page's scripts and styles: what `npm run build` makes of the folder `page`. */

import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Begins the styles: a folder of the app that has the same name is not ours to serve. */
const mark = '/* The live page of graphiti-fallback.';

let loaded: ReadonlyMap<string, Buffer> | undefined;

/**
 * All there are by their names, read once: what a client asks for is looked up here and nowhere else. None
 * where an app was bundled and they were not copied: then that is said once.
 */
export function pageFiles(): ReadonlyMap<string, Buffer> {
  loaded ??= readPageFiles(whereToLook());
  return loaded;
}

/** Reads them from the first of some folders that has them. */
export function readPageFiles(folders: readonly URL[]): ReadonlyMap<string, Buffer> {
  for (const folder of folders) {
    const files = filesIn(folder);
    if (files.get('page.css')?.toString().startsWith(mark) && files.has('main.js')) return files;
  }
  process.emitWarning(
    'The files of the live page are not there, since this app was bundled: the status is there as JSON only. Copy the folder `dist/page` of @graphiti-fallback/http beside the bundle, as `page`, or leave that package out of it',
    'FallbackWarning',
  );
  return new Map();
}

/** Beside this code, in `src` and in `dist`; beside a bundle that it has become a part of. */
function whereToLook(): URL[] {
  // By a name of its own: webpack takes `new URL(…, import.meta.url)` for a file that it has to find.
  const here: string | undefined = import.meta.url;
  const program = process.argv[1];
  const from = [here, program === undefined ? undefined : pathToFileURL(program).href];
  const folders = [...new Set(from)].flatMap((each) =>
    each === undefined ? [] : [new URL('../dist/page/', each), new URL('./page/', each)],
  );
  return typeof __dirname === 'string'
    ? [...folders, new URL('page/', `${pathToFileURL(__dirname).href}/`)]
    : folders;
}

function filesIn(folder: URL): ReadonlyMap<string, Buffer> {
  try {
    return new Map(
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(css|js)$/.test(name))
        .map((name) => [name.replaceAll('\\', '/'), readFileSync(new URL(name, folder))]),
    );
  } catch {
    return new Map();
  }
}
