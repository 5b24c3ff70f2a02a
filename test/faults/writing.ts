/** Writers as the process that causes the faults sees them. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { WriterOptions } from './writer.ts';

/** How a writer is started. */
export interface StartOptions extends Partial<WriterOptions> {
  readonly directory: string;
  /** Modules that change what the system answers, loaded first. */
  readonly shims?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A command that starts it: a shell with limits, strace. */
  readonly through?: readonly string[];
}

/** A writer under way. */
export interface Writing {
  /** What it said so far. */
  readonly lines: readonly string[];
  readonly pid: number;
  /** Resolves when so many more steps were acknowledged, or it has ended. */
  acknowledged(count: number): Promise<void>;
  /** Resolves when so many steps were refused, or it has ended. */
  refused(count: number): Promise<void>;
  /** Ends it by a signal, and resolves when all that it said was heard. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  readonly ended: Promise<unknown>;
}

const module = fileURLToPath(new URL('./writer.ts', import.meta.url));
const patience = 60_000;

/** Starts a writer. */
export function startWriter({
  shims = [],
  env = {},
  through = [],
  ...options
}: StartOptions): Writing {
  const defaults = {
    firstLane: 0,
    lanes: 8,
    from: 0,
    segmentBytes: 64 * 1024,
    checkpointBytes: 512 * 1024,
  };
  const node = [
    process.execPath,
    ...process.execArgv,
    ...shims.flatMap((shim) => ['--import', new URL(`./shims/${shim}`, import.meta.url).href]),
    module,
    JSON.stringify({ ...defaults, ...options }),
  ];
  const [command = '', ...args] = [...through, ...node];
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const counts = { '+': 0, '!': 0 };
  let complaints = '';
  child.stderr?.on('data', (text) => {
    complaints = `${complaints}${text}`.slice(-2_000);
  });
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  reader.on('line', (line) => {
    lines.push(line);
    const sign = line[0];
    if (sign === '+' || sign === '!') counts[sign] += 1;
  });
  const ended = once(child, 'close');

  async function until(sign: '+' | '!', count: number): Promise<void> {
    const goal = counts[sign] + count;
    const end = ended.then(() => 'ended' as const);
    const late = AbortSignal.timeout(patience);
    while (counts[sign] < goal) {
      const next = await Promise.race([once(reader, 'line', { signal: late }), end]);
      if (next !== 'ended') continue;
      if (lines.length === 0) throw new Error(`A writer did not start: ${complaints}`);
      return;
    }
  }

  return {
    lines,
    ended,
    get pid() {
      return child.pid ?? 0;
    },
    acknowledged: (count) => until('+', count),
    refused: (count) => until('!', count),
    async kill(signal = 'SIGKILL') {
      child.kill(signal);
      await ended;
    },
  };
}
