/** The demo's processes and its temporary folder; whatever happens, nothing of them is left. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppClient } from './app-client.ts';
import type { Backend } from './backend.ts';
import { Child } from './child.ts';
import { Control } from './control.ts';
import { graphitiCommand } from './graphiti-command.ts';
import type { Transition } from './tally.ts';

/** What the stage tells. */
export interface StageListener {
  /** A line that one of the processes wrote. */
  line(process: string, line: string): void;
  transition(transition: Transition): void;
}

/** How long the processes may take to end when all is over, in ms. */
const leaveWithin = 1_500;

/** Graphiti and the app, each in a process of its own. */
export class Stage {
  readonly app: AppClient = new AppClient(() => this.#appUrl);
  readonly #listener: StageListener;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #backend: Backend | undefined;
  readonly #directory = mkdtempSync(join(tmpdir(), 'outage-demo-'));
  readonly #children = new Set<Child>();
  readonly #crash = new AbortController();
  #graphitiUrl = '';
  #appUrl = '';
  #running: Child | undefined;
  #closed = false;

  /** With a `backend` the app sends its telemetry there; `environment` is the app's besides. */
  constructor(
    listener: StageListener,
    environment: Readonly<Record<string, string>> = {},
    backend?: Backend,
  ) {
    this.#listener = listener;
    this.#environment = environment;
    this.#backend = backend;
  }

  /** Address of the app, once it was started. */
  get appUrl(): string {
    return this.#appUrl;
  }

  /** Aborts with the reason when a process ends that should not. */
  get crashed(): AbortSignal {
    return this.#crash.signal;
  }

  /** Starts the Graphiti-compatible server on free ports. */
  async startGraphiti(): Promise<Control> {
    const graphiti = await this.#start({
      name: 'Graphiti server',
      module: graphitiCommand(),
      args: ['--port', '0', '--control-port', '0', '--ingest-delay', '10'],
      announces: ['graphiti', 'control'],
    });
    this.#graphitiUrl = graphiti.address('graphiti');
    return new Control(this.#graphitiUrl, graphiti.address('control'));
  }

  /** Starts the app; when it is started again, at the address and with the folders that it had. */
  async startApp(): Promise<void> {
    this.#running = await this.#start({
      name: 'app',
      module: import.meta.resolve('#app'),
      announces: ['app'],
      imports: this.#backend ? [import.meta.resolve('@graphiti-fallback/otel/register')] : [],
      env: {
        ...ordinaryEnvironment(),
        ...this.#backend?.environment,
        ...this.#environment,
        PORT: this.#appUrl ? new URL(this.#appUrl).port : '0',
        GRAPHITI_URL: this.#graphitiUrl,
        FALLBACK_DB_PATH: join(this.#directory, 'queue'),
        FALLBACK_CACHE_DIR: join(this.#directory, 'cache'),
      },
      onMessage: (message) => {
        if (!this.#closed) this.#listener.transition(message as Transition);
      },
    });
    this.#appUrl = this.#running.address('app');
  }

  /** Kills the app (kill -9): it has no chance to store anything. */
  async killApp(): Promise<void> {
    await this.#running?.kill();
  }

  /** Ends all processes and removes the folder. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#children].map((child) => child.stop(leaveWithin)));
    this.closeNow();
  }

  /** The same at once, for a process that is about to exit. */
  closeNow(): void {
    this.#closed = true;
    for (const child of this.#children) void child.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #start(options: {
    readonly name: string;
    readonly module: string;
    readonly announces: readonly string[];
    readonly args?: readonly string[];
    readonly imports?: readonly string[];
    readonly env?: NodeJS.ProcessEnv;
    readonly onMessage?: (message: unknown) => void;
  }): Promise<Child> {
    if (this.#closed) throw new Error('The stage is closed');
    const child: Child = new Child({
      env: ordinaryEnvironment(),
      ...options,
      // What they say while they are ended tells nothing about the demo.
      onLine: (line) => {
        if (!this.#closed) this.#listener.line(options.name, line);
      },
      onEnd: () => this.#children.delete(child),
      onCrash: (error) => this.#crash.abort(error),
    });
    this.#children.add(child);
    return child.started();
  }
}

/** What is set on this machine for other apps or for tests must not change what is shown. */
function ordinaryEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(FALLBACK|CIRCUIT|GRAPHITI)_|^NODE_(ENV|TEST_CONTEXT)$|^VITEST/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
