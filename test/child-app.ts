/** An app as a process of its own, over real HTTP. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';

const children: ChildProcess[] = [];

/** An app that answers. */
export interface ChildApp {
  readonly process: ChildProcess;
  readonly url: string;
  readonly output: readonly string[];
  /** Posts JSON. */
  post(path: string, body: unknown): Promise<Response>;
  /** Asks it to end, and resolves to its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

interface Start {
  readonly file: string;
  readonly cwd: string;
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Path that answers 200 once it is up. @default '/health/fallback' */
  readonly ready?: string;
}

/** Starts a file from the packages' sources, and waits until it answers. */
export async function startApp({ file, cwd, port, environment, ready }: Start): Promise<ChildApp> {
  const { NODE_ENV: _env, VITEST: _vitest, NODE_OPTIONS: _options, ...inherited } = process.env;
  const child = spawn(process.execPath, ['--conditions=@graphiti-fallback/source', file], {
    cwd,
    env: { ...inherited, HOME: cwd, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const output: string[] = [];
  child.stdout.on('data', (data) => output.push(String(data)));
  child.stderr.on('data', (data) => output.push(String(data)));
  const url = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(`${url}${ready ?? '/health/fallback'}`).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(answers, { timeout: 15_000, message: output.join('') }).toBe(true);
  return {
    process: child,
    url,
    output,
    post: (path, body) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    async end(signal = 'SIGTERM') {
      child.kill(signal);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      return child.exitCode;
    },
  };
}

/** Ends what a test started, however it went. */
export async function endApps(): Promise<void> {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}
