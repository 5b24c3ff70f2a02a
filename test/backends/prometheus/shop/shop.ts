/** The shop and its upstream, for a backend to watch. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startUpstream, type Upstream } from './upstream.ts';

/** A shop that is open. */
export interface Shop {
  readonly upstream: Upstream;
  /** Has it do one of its deeds; resolves when that is done. */
  tell(deed: string): Promise<void>;
  /** Ends it and removes what it kept. */
  close(): Promise<void>;
}

/**
 * Opens one, with variables for its telemetry.
 *
 * @throws {Error} when it ends, with what it said
 */
export async function openShop(telemetry: Readonly<Record<string, string>>): Promise<Shop> {
  const upstream = await startUpstream();
  const directory = mkdtempSync(join(tmpdir(), 'shop-'));
  const { PATH, HOME } = process.env;
  const child = fork(join(import.meta.dirname, 'app.ts'), [], {
    execArgv: [
      '--conditions=@graphiti-fallback/source',
      '--import',
      '@graphiti-fallback/otel/register',
    ],
    env: { PATH, HOME, UPSTREAM: upstream.url, DIRECTORY: directory, ...telemetry },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const said = child.stderr ? text(child.stderr) : Promise.resolve('');
  const done = answer(child, said);
  await done('ready');
  return {
    upstream,
    async tell(deed) {
      child.send(deed);
      await done(deed);
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await upstream.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function answer(child: ChildProcess, said: Promise<string>) {
  const ended = once(child, 'exit').then(async ([code]) => {
    throw new Error(`The shop ended with ${code}:\n${await said}`);
  });
  ended.catch(() => {});
  return async (deed: string) => {
    for (;;) {
      const [message] = (await Promise.race([once(child, 'message'), ended])) as [string];
      if (message === deed) return;
    }
  };
}
