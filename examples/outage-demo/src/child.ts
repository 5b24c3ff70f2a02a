/** A process of the demo: started until it says that it is ready, and ended by its own pid. */

import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** How to start a child. */
export interface ChildOptions {
  readonly name: string;
  /** File URL of its module. */
  readonly module: string;
  readonly args?: readonly string[];
  /** Modules that it loads first, as URLs. */
  readonly imports?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Addresses that it prints when it is ready, each as a line `word url`. */
  readonly announces: readonly string[];
  /** Any other line that it prints. */
  readonly onLine: (line: string) => void;
  /** What it sends with `process.send`. */
  readonly onMessage?: (message: unknown) => void;
  /** It has ended. */
  readonly onEnd: () => void;
  /** It has ended without being asked to. */
  readonly onCrash: (error: Error) => void;
}

/** How long a child may take to start, in ms. */
const startWithin = 15_000;
/** How many of its last lines of stderr a crash shows. */
const mostErrorLines = 12;

/** A process that is ended by {@link Child.stop}, or with the demo. */
export class Child {
  readonly #options: ChildOptions;
  readonly #process: ChildProcess;
  readonly #started: Promise<void>;
  readonly #exited: Promise<void>;
  readonly #addresses = new Map<string, string>();
  #asked = false;

  constructor(options: ChildOptions) {
    this.#options = options;
    const imports = [import.meta.resolve('#lifeline'), ...(options.imports ?? [])];
    this.#process = fork(fileURLToPath(options.module), [...(options.args ?? [])], {
      env: options.env,
      execArgv: [...process.execArgv, ...imports.flatMap((module) => ['--import', module])],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A process group of its own: Ctrl-C reaches the demo alone, which then ends its children.
      detached: true,
    });
    this.#exited = new Promise((resolve) => {
      const ended = () => {
        resolve();
        options.onEnd();
      };
      this.#process.once('exit', ended).once('error', ended);
    });
    this.#started = new Promise((ready, failed) => this.#listen(ready, failed));
    this.#started.catch(() => {}); // nobody waits for it after an interruption
  }

  /**
   * Resolves when it has announced its addresses.
   *
   * @throws {Error} when it ends or takes too long before that, with its last lines of stderr
   */
  async started(): Promise<this> {
    await this.#started;
    return this;
  }

  /** An address that it announced. */
  address(word: string): string {
    return this.#addresses.get(word) ?? '';
  }

  /** Asks it to end, and kills it after `withinMs`; resolves to whether it ended by itself. */
  async stop(withinMs: number): Promise<boolean> {
    this.#asked = true;
    this.#process.kill('SIGTERM');
    const patience = setTimeout(() => void this.kill(), withinMs);
    await this.#exited;
    clearTimeout(patience);
    return this.#process.signalCode !== 'SIGKILL';
  }

  /** Ends it at once, and resolves when it is gone. */
  kill(): Promise<void> {
    this.#asked = true;
    this.#process.kill('SIGKILL');
    return this.#exited;
  }

  #listen(ready: () => void, failed: (error: Error) => void): void {
    const { name, announces, onLine, onMessage, onCrash } = this.#options;
    const child = this.#process;
    const errors: string[] = [];
    const fail = (what: string) => {
      clearTimeout(patience);
      const last = errors.slice(-mostErrorLines);
      const error = new Error([`The ${name} ${what}`, ...last].join('\n  '));
      failed(error);
      if (!this.#asked) onCrash(error);
    };
    const late = `did not start within ${startWithin / 1000} s`;
    const patience = setTimeout(fail, startWithin, late);
    child.once('error', (error) => fail(`could not be started: ${error.message}`));
    // After its last output: the reason is often there.
    child.once('close', (code, signal) => fail(`ended with ${signal ?? `exit code ${code}`}`));
    if (onMessage) child.on('message', onMessage);
    eachLine(child.stderr, (line) => {
      errors.push(line);
      onLine(line);
    });
    eachLine(child.stdout, (line) => {
      const [word = '', address = ''] = line.split(/\s+/);
      if (!announces.includes(word)) return onLine(line);
      this.#addresses.set(word, address);
      if (this.#addresses.size < announces.length) return;
      clearTimeout(patience);
      ready();
    });
  }
}

function eachLine(stream: Readable | null, listener: (line: string) => void): void {
  if (stream) createInterface({ input: stream }).on('line', listener);
}
