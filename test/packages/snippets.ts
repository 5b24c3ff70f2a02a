/** The JavaScript and TypeScript of the READMEs. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './published-packages.ts';

/** A block of code. */
export interface Snippet {
  /** The README and the heading above it: `README.md # Use it`. */
  readonly name: string;
  readonly file: string;
  /** The line of the README that its code begins on. */
  readonly line: number;
  readonly code: string;
}

/** All of them, in the order of the READMEs. */
export function readmeSnippets(): Snippet[] {
  return globSync(['README.md', 'packages/*/README.md'], { cwd: root })
    .sort()
    .flatMap((file) => snippetsOf(file, readFileSync(join(root, file), 'utf8')));
}

/** The modules that code imports, without those of Node and the app's own. */
export function importsOf(code: string): string[] {
  const specifiers = code.matchAll(/^\s*import (?:[^']*? from )?'([^']+)'|\bimport\('([^']+)'\)/gm);
  return [...specifiers]
    .map(([, from, dynamic]) => from ?? dynamic ?? '')
    .filter((specifier) => !/^(node:|\.)/.test(specifier))
    .map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
}

function snippetsOf(file: string, readme: string): Snippet[] {
  const counts = new Map<string, number>();
  const parts = readme.matchAll(/^#+ (.+)$|^```(\w*).*\n([\s\S]*?)^```$/gm);
  let heading = '';
  return [...parts].flatMap(({ index, 1: title, 2: language = '', 3: code = '' }) => {
    if (title) heading = title;
    if (title || !/^[cm]?(js|ts)$|^(java|type)script$/.test(language)) return [];
    const count = (counts.get(heading) ?? 0) + 1;
    counts.set(heading, count);
    const name = `${file} # ${heading}${count > 1 ? ` ${count}` : ''}`;
    return [{ name, file, line: readme.slice(0, index).split('\n').length + 1, code }];
  });
}
