/** A user's project: an empty folder, and what npm installs into it. */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inject } from 'vitest';
import { npm } from './npm.ts';

/** A project with its dependencies installed. */
export interface ConsumerProject {
  readonly folder: string;
  /** The user's home, empty at first. */
  readonly home: string;
  /** Writes a file of the project. */
  write(file: string, content: string): void;
  /** Starts Node with these arguments, in an environment that has nothing of this repository's. */
  start(
    args: string[],
    environment?: Record<string, string>,
    node?: string,
  ): ChildProcessByStdio<null, Readable, Readable>;
  /** Runs Node, or the `node` of the project, with these arguments to its end. */
  run(
    args: string[],
    environment?: Record<string, string>,
    node?: string,
  ): Promise<{ code: number | null; output: string }>;
}

/**
 * Makes an empty project, installs `dependencies`, ranges by name, and then adds the `kit`, tarballs:
 * as a user adds it to an app. (In one go npm may give Koa's types what Express needs.)
 *
 * @throws {Error} when npm fails, with what it says
 */
export async function consumerProject(
  name: string,
  dependencies: Record<string, string>,
  kit: string[] = [],
): Promise<ConsumerProject> {
  const folder = join(inject('workshop'), name.replaceAll(/[^\w.]+/g, '-'));
  const home = `${folder}-home`;
  mkdirSync(home);
  const write = (file: string, content: string) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), content);
  };
  write('package.json', JSON.stringify({ private: true, type: 'module', dependencies }, null, 2));
  await install(name, folder, kit);

  const start = (args: string[], environment = {}, node = process.execPath) =>
    spawn(resolve(folder, node), args, {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: home, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const run = async (...command: Parameters<typeof start>) => {
    const child = start(...command);
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    await once(child, 'close');
    return { code: child.exitCode, output: (await output).join('') };
  };
  return { folder, home, write, start, run };
}

async function install(name: string, folder: string, kit: string[]): Promise<void> {
  const start = performance.now();
  console.log(`installing ${name} …`);
  const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=1'];
  await npm(folder, ...args);
  if (kit.length > 0) await npm(folder, ...args, ...kit);
  console.log(`installed ${name} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
