/** Processes of their own that use the store, so that a test can kill them. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** A child and the lines that it printed. */
export interface Child {
  readonly lines: readonly string[];
  /** Resolves when so many lines were printed. @throws when the child ends before */
  printed(count: number): Promise<void>;
  /** What it wrote to stderr. */
  complaints(): string;
  kill(): Promise<void>;
  /** Resolves when it has ended by itself. */
  ended: Promise<unknown>;
}

const store = new URL('./index.ts', import.meta.url).href;

/** Starts a process with `lowdbStore`, `directory` and `identity` in scope; `print` sends a line. */
export function startChild(directory: string, script: string, { asNobody = false } = {}): Child {
  const source = `
    import { lowdbStore } from ${JSON.stringify(store)};
    const directory = ${JSON.stringify(directory)};
    const identity = { manager: 'graphiti', hash: '0123456789abcdef' };
    const print = (text) => process.stdout.write(text + '\\n');
    ${script}`;
  const args = ['--conditions=@graphiti-fallback/source', '--input-type=module', '-e', source];
  const child = spawn(process.execPath, args, {
    cwd: '/',
    ...(asNobody && process.getuid?.() === 0 && { uid: 65534, gid: 65534 }),
  });
  const lines: string[] = [];
  let complaints = '';
  const ended = once(child, 'close');
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(line));
  child.stderr.on('data', (text) => {
    complaints += text;
  });
  onTestFinished(() => void child.kill('SIGKILL'));

  return {
    lines,
    ended,
    complaints: () => complaints,
    async printed(count) {
      while (lines.length < count) {
        const over = ended.then(() => 'over');
        const next = await Promise.race([once(reader, 'line'), over]);
        if (next === 'over' && lines.length < count)
          throw new Error(`The child ended: ${complaints}`);
      }
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
