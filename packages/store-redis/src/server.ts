/** One server, by three connections: for what is queued, for what is replayed, and for cached answers, which may be large. */

import { type Durability, SharedQueueUnavailable } from '@graphiti-fallback/core';
import { Link } from './link.ts';
import type { ResolvedRedisOptions } from './options.ts';
import {
  problemOfError,
  problemTexts,
  readSettings,
  type ServerProblem,
} from './server-settings.ts';

/** How often the server's settings are read again, in ms, and how soon after that failed: later each time. */
const settingsEvery = 30_000;
const settingsAgain = 50;
const settingsAgainAtMost = 1_000;

/** What it is used for: the queue, which must not lose anything, and what may be lost. */
export type ServerUse = 'queue' | 'values' | 'fleet';

/** Who uses it. */
interface User {
  /** Told in words what is wrong. */
  readonly warn: (message: string) => void;
  /** Told when it may be used again. */
  readonly onUsable: () => void;
}

interface ServerOptions extends ResolvedRedisOptions {
  /** Runs a script that changes nothing. */
  readonly probe: () => Promise<unknown>;
}

/** The connections, and what is known of the server. */
export class Server {
  readonly write: Link;
  readonly work: Link;
  readonly values: Link;
  readonly #options: ServerOptions;
  #problem: ServerProblem | undefined = 'unreachable';
  #full = false;
  #durability: Durability = 'memory';
  readonly #users = new Map<ServerUse, User>();
  #said: string | undefined;
  #saidDurability: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The look at the server that counts: what an earlier one found may be over. */
  #look = 0;
  #failures = 0;
  #rewritten = '';
  #connecting: Promise<void> = Promise.resolve();
  #known: () => void = () => {};
  #valuesKnown: () => void = () => {};
  #closed = true;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { connect, callMs } = options;
    const onReady = () => {
      if (this.write.ready && this.work.ready) void this.#read();
    };
    const onDown = (error: unknown) => this.#down(error);
    this.write = new Link({ connect, callMs, onReady, onDown });
    this.work = new Link({ connect, callMs, onReady, onDown });
    // That it is lost says nothing of the queue.
    this.values = new Link({
      connect,
      callMs,
      onReady: () => {
        this.#valuesKnown();
        if (isUsable(this.#problem, 'values')) this.#users.get('values')?.onUsable();
      },
      onDown: () => this.#valuesKnown(),
    });
  }

  /** Resolves when it is known how the server is; never rejects. */
  connect(use: ServerUse, user: User): Promise<void> {
    this.#users.set(use, user);
    if (this.#closed) this.#connecting = this.#connect();
    // What was found before may matter for this use only.
    else void this.#connecting.then(() => this.#problem && this.#say(this.#problem));
    return use === 'values' ? this.#connectValues() : this.#connecting;
  }

  async #connect(): Promise<void> {
    this.#closed = false;
    this.#said = undefined;
    this.#saidDurability = undefined;
    const known = new Promise<void>((resolve) => {
      this.#known = resolve;
    });
    this.write.open();
    this.work.open();
    // Keeps the process alive until then: the connections do not. A server may also say nothing at all.
    const patience = setTimeout(() => this.#away(undefined), 2 * this.#options.callMs);
    await known;
    clearTimeout(patience);
  }

  async #connectValues(): Promise<void> {
    const known = new Promise<void>((resolve) => {
      this.#valuesKnown = resolve;
    });
    this.values.open();
    const patience = setTimeout(() => this.#valuesKnown(), 2 * this.#options.callMs);
    await Promise.all([this.#connecting, known]);
    clearTimeout(patience);
  }

  close(use: ServerUse): void {
    this.#users.delete(use);
    if (use === 'values') this.values.close();
    if (this.#users.size > 0) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.write.close();
    this.work.close();
    this.#problem = 'unreachable';
    this.#known();
    this.#valuesKnown();
  }

  /** Whether it was opened, and not closed since. */
  get connects(): boolean {
    return !this.#closed;
  }

  get usable(): boolean {
    return this.#problem === undefined;
  }

  /** What may be lost may be kept where keys are evicted. */
  usableFor(use: ServerUse): boolean {
    return isUsable(this.#problem, use) && (use !== 'values' || this.values.ready);
  }

  get durability(): Durability {
    return this.#durability;
  }

  get problem(): ServerProblem | undefined {
    return this.#problem ?? (this.#full ? 'full' : undefined);
  }

  /** Writes are let through, or refused for want of memory. */
  set full(full: boolean) {
    if (full && !this.#full) this.#say('full');
    if (!full && this.#full) this.#said = undefined;
    this.#full = full;
  }

  /** Refused before it is sent where nothing may be kept there. */
  assertUsable(): void {
    this.assertUsableFor('queue');
  }

  assertUsableFor(use: ServerUse): void {
    if (!this.usableFor(use))
      throw new SharedQueueUnavailable(String(this.#problem ?? 'unreachable'), false);
  }

  async #read(): Promise<void> {
    clearTimeout(this.#timer);
    this.#look += 1;
    const look = this.#look;
    const { probe, replicas, location } = this.#options;
    let again = settingsEvery;
    try {
      const { problem, durability, started } = await readSettings(this.work, replicas);
      const keeps = this.#users.has('queue');
      if (keeps && problem === undefined && started !== undefined) await this.#rewrite(started);
      if (isUsable(problem, 'values')) await probe();
      if (look !== this.#look) return;
      this.#failures = 0;
      const before = this.#problem;
      this.#problem = problem;
      this.#durability = durability;
      if (problem) this.#say(problem);
      else {
        this.#said = undefined;
        if (keeps && durability === 'memory' && this.#saidDurability !== durability)
          this.#warn(
            `Redis at ${location} does not sync each write (appendfsync is not always): a power cut loses what was queued last`,
          );
        if (keeps) this.#saidDurability = durability;
      }
      for (const [use, { onUsable }] of this.#users)
        if (isUsable(problem, use) && !isUsable(before, use)) onUsable();
    } catch (error) {
      if (look !== this.#look) return;
      this.#problem = problemOfError(error);
      this.#say(this.#problem);
      again = Math.min(settingsAgain * 2 ** this.#failures, settingsAgainAtMost);
      this.#failures = Math.min(this.#failures + 1, 10);
    }
    this.#known();
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      if (this.write.ready && this.work.ready) void this.#read();
    }, again);
    this.#timer.unref();
  }

  /**
   * One that was killed in the middle of a write cuts its file within a transaction, and its next start but
   * one would do that half of it after all. A file that is written anew has no such half. Not every user
   * may ask for it, and one of all instances is enough.
   */
  async #rewrite(started: string): Promise<void> {
    if (this.#rewritten === started) return;
    this.#rewritten = started;
    await this.work.command('BGREWRITEAOF').catch(() => {});
  }

  #down(error: unknown): void {
    this.#look += 1;
    this.#away(error);
  }

  #away(error: unknown): void {
    if (this.#closed) return;
    // The end of a connection says nothing new of why.
    if (error !== undefined || this.#problem === undefined)
      this.#problem = error === undefined ? 'unreachable' : problemOfError(error);
    this.#say(this.#problem ?? 'unreachable');
    this.#known();
  }

  #say(problem: ServerProblem): void {
    if (this.#said === problem) return;
    // What is evicted is missed by the queue alone.
    if (problem === 'evicting' && !this.#users.has('queue')) return;
    this.#said = problem;
    this.#warn(`Redis at ${this.#options.location} ${problemTexts[problem]}`);
  }

  /** Once, whoever uses it. */
  #warn(message: string): void {
    const [user] = this.#users.values();
    user?.warn(message);
  }
}

function isUsable(problem: ServerProblem | undefined, use: ServerUse): boolean {
  return problem === undefined || (use !== 'queue' && problem === 'evicting');
}
