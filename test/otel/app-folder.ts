/** A user's app in a folder of its own, run as a process with telemetry registered. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** An app that runs. */
interface RunningApp {
  readonly process: ChildProcess;
  /** What it wrote on stdout until now. */
  written(): string;
  /** Resolves when it has ended. */
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

/** A folder with apps. */
export interface AppFolder {
  /** Writes a file that an app needs. */
  write(file: string, code: string): void;
  /** Starts an app that is written as `file`, with `--import` of register unless other arguments are given. */
  start(
    file: string,
    code: string,
    environment?: Readonly<Record<string, string>>,
    args?: readonly string[],
  ): RunningApp;
  /** Ends what runs, and removes the folder. */
  close(): Promise<void>;
}

const installed = join(import.meta.dirname, '../../node_modules');
const registering = ['--import', '@graphiti-fallback/otel/register'];

/**
 * Makes a folder with everything that is installed here; `instead` has packages by the name of the
 * folder whose copy they are: instrumentations know a package by the name of its folder.
 */
export function appFolder(instead: Readonly<Record<string, string>> = {}): AppFolder {
  const folder = mkdtempSync(join(tmpdir(), 'otel-app-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(installed)) {
    const from = join(installed, instead[name] ?? name);
    if (instead[name] === undefined) symlinkSync(from, join(modules, name));
    else cpSync(from, join(modules, name), { recursive: true });
  }
  const manifest = { name: 'the-app', version: '1.2.3', private: true };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const children = new Set<ChildProcess>();

  const write = (file: string, code: string) => writeFileSync(join(folder, file), code);
  return {
    write,
    start(file, code, environment = {}, args = registering) {
      write(file, code);
      const { PATH } = process.env;
      const child = spawn(
        process.execPath,
        ['--conditions=@graphiti-fallback/source', ...args, file],
        { cwd: folder, env: { PATH, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      children.add(child);
      let written = '';
      child.stdout.on('data', (data) => {
        written += String(data);
      });
      return { process: child, written: () => written, ended: end(child) };
    },
    async close() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      if (existsSync(folder)) rmSync(folder, { recursive: true });
    },
  };
}

async function end(child: ChildProcess & { stdout: Readable; stderr: Readable }) {
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  const [stdout, stderr] = await output;
  return { code, signal, stdout, stderr };
}
