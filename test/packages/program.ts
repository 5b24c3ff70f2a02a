/** A snippet that is a whole app: as a module, as CommonJS, and running. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import { freePort } from '../free-port.ts';
import type { ConsumerProject } from './consumer-project.ts';
import type { Snippet } from './snippets.ts';

const listening = /^(.*)\.listen\(3000\b(.*)$/m;

/** Whether it is one: it imports what it uses, and listens. */
export function isProgram({ code }: Snippet): boolean {
  return code.startsWith('import ') && code.includes('.listen(');
}

/** The same app for a test: exported instead of listening. */
export function exportedApp(code: string): string {
  return code.replace(listening, 'export { $1 };');
}

/** An app that runs. */
export interface RunningProgram {
  ask(path: string, init?: RequestInit): Promise<number>;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
}

/** Starts a program of the project on a free port, and waits until its status answers. */
export async function startProgram(
  project: ConsumerProject,
  file: string,
  code: string,
  environment: Record<string, string>,
): Promise<RunningProgram> {
  const port = await freePort();
  expect(code).toMatch(listening);
  project.write(file, code.replace(listening, `$1.listen(${port}$2`));
  const child = project.start([file], environment);
  const output: string[] = [];
  child.stdout.on('data', (data) => output.push(String(data)));
  child.stderr.on('data', (data) => output.push(String(data)));
  const ask = (path: string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${port}${path}`, init).then(({ status }) => status);
  const ready = () => ended(child) || ask('/health/fallback').catch(() => 0);
  await expect.poll(ready, { timeout: 20_000 }).not.toBe(0);
  expect(ended(child), output.join('')).toBe(false);
  const stop = async () => {
    child.kill();
    if (!ended(child)) await once(child, 'exit');
  };
  return { ask, stop };
}

function ended({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
