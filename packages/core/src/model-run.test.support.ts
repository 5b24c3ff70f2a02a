/** One run of a story: writes through outages, bad disks and restarts, and then fair weather. */

import { type ManualClock, manualClock, settled } from './manual-clock.test.support.ts';
import { memoryJournal } from './memory-journal.ts';
import { type Chance, seededChance } from './model-chance.test.support.ts';
import type { History, ModelWrite } from './model-oracle.test.support.ts';
import { mostQueued, startProcess } from './model-process.test.support.ts';
import type { Event, ModelConfiguration, Step } from './model-story.test.support.ts';
import { ModelUpstream } from './model-upstream.test.support.ts';
import type { Weather } from './model-weather.test.support.ts';
import type { CallOptions } from './operation.ts';

/** Runs a story; the log tells in order what was done. */
export async function runModel(
  story: readonly Step[],
  configuration: ModelConfiguration,
): Promise<{ readonly history: History; readonly log: readonly string[] }> {
  const run = new ModelRun(configuration);
  await run.turmoil(story);
  await run.fairWeather();
  // What a process would take along: it holds every manager that was never closed.
  Reflect.deleteProperty(globalThis, Symbol.for('graphiti-fallback.collector.1'));
  return run;
}

/** So many ends of processes with an operation in flight park it, by design, until a person decides. */
const mostInterruptions = 3;

type WriteEvent = Extract<Event, { kind: 'write' }>;

class ModelRun {
  readonly log: string[] = [];
  readonly #writes: ModelWrite[] = [];
  readonly #wrong: string[] = [];
  readonly #timerRates: number[] = [];
  readonly #kept = memoryJournal();
  readonly #clock: ManualClock = manualClock();
  readonly #weather: Weather = { outage: 0, disk: 'well', diskFailingSince: undefined };
  readonly #configuration: ModelConfiguration;
  readonly #chance: Chance = seededChance();
  readonly #upstream: ModelUpstream;
  #process: ReturnType<typeof startProcess>;
  /** Records that the process found when it began: with them the queue may be more than full. */
  #found = 0;
  #calls = 0;
  #timers = 0;
  #restarts = 0;

  constructor(configuration: ModelConfiguration) {
    this.#configuration = configuration;
    this.#upstream = new ModelUpstream(this.#around);
    this.#process = this.#start();
  }

  get history(): History {
    return {
      writes: this.#writes,
      applied: this.#upstream.applied,
      wrong: this.#wrong,
      timerRates: this.#timerRates,
    };
  }

  async turmoil(story: readonly Step[]): Promise<void> {
    for (const { luck, thenMs, ...event } of story) {
      this.#chance.reseed(luck);
      await this.#happen(event);
      this.#checkBounds();
      if (thenMs === 0) await settled();
      else if (thenMs !== undefined) await this.#pass(thenMs);
    }
    // An outage that goes on must not make anything spin either.
    await this.#quietly(async () => this.#pass(30_000));
  }

  async fairWeather(): Promise<void> {
    this.#weather.outage = 0;
    this.#weather.disk = 'well';
    this.#note('all is well from now on');
    const { manager } = this.#process;
    void manager.deactivate();
    await this.#quietly(() => this.#recover());
    void manager.sync({ include: 'local' });
    await this.#recover();
    if (await this.#decided()) await this.#recover();
    const { active, queue } = this.#process.manager.status();
    if (active) this.#wrong.push('stuck: fallback is still active');
    const listed = this.#process.manager.queue.list();
    if (listed.length > 0) this.#wrong.push(`stuck: the queue holds ${JSON.stringify(listed)}`);
    const records = [...this.#kept.entries('queue')].length;
    if (records > queue.size + queue.states.dead)
      this.#wrong.push(`stuck: ${records} records are kept`);
    this.#end();
  }

  get #around() {
    const note = (what: string) => this.#note(what);
    return { clock: this.#clock, chance: this.#chance, weather: this.#weather, note };
  }

  #start() {
    this.#found = [...this.#kept.entries('queue')].length;
    const { crowded = false, checksHealth = false, twoBreakers = false } = this.#configuration;
    return startProcess(
      {
        upstream: this.#upstream,
        kept: this.#kept,
        crowded,
        checksHealth,
        twoBreakers,
        onTimer: () => {
          this.#timers += 1;
        },
      },
      this.#around,
    );
  }

  async #happen(event: Event): Promise<void> {
    switch (event.kind) {
      case 'write':
        return this.#write(event);
      case 'read':
        return this.#read(event.key);
      case 'upstream':
        this.#weather.outage = event.outage;
        return this.#note(`upstream fails ${event.outage}`);
      case 'disk':
        this.#weather.disk = event.disk;
        return this.#note(`disk ${event.disk}`);
      case 'crash':
        return this.#crash();
      case 'close':
        return this.#close(event);
      case 'person':
        return this.#decide(event);
    }
  }

  #decide({ mode, deactivates }: Extract<Event, { kind: 'person' }>): void {
    const { manager } = this.#process;
    this.#note(deactivates ? 'deactivate' : `activate ${mode}`);
    const decided = deactivates ? manager.deactivate() : manager.activate(mode);
    // Closed by then, it says so.
    decided.catch(() => {});
  }

  #read(key: string): void {
    this.#process.read(key).then(
      ({ of }) => {
        if (of !== key) this.#wrong.push(`mixed up: who asked for ${key} was told of ${of}`);
      },
      () => {},
    );
  }

  #checkBounds(): void {
    if (!this.#configuration.crowded) return;
    const { size, states } = this.#process.manager.status().queue;
    const queued = size + states.local;
    if (queued > Math.max(mostQueued, this.#found))
      this.#wrong.push(`crowded: ${queued} are queued`);
  }

  #write({ write: kind, lane, size, timeoutMs, givesUpAfterMs }: WriteEvent): void {
    const { byHand } = this.#configuration;
    const call = this.#calls;
    this.#calls += 1;
    const writes = Array.from({ length: size }, (_, index): ModelWrite => {
      return { number: this.#writes.length + index, lane, kind, call, answer: 'none' };
    });
    this.#writes.push(...writes);
    const numbers = writes.map(({ number }) => number).join();
    const options = this.#callOptions(timeoutMs, givesUpAfterMs);
    this.#note(
      `${kind} ${numbers} in ${lane}${timeoutMs ? `, within ${timeoutMs}` : ''}${options.signal ? ', may give up' : ''}`,
    );
    const { life, [kind]: write } = this.#process;
    const answered = (answer: ModelWrite['answer'], code?: string) => {
      // Whoever called died with the process.
      if (!life.alive) return;
      this.#note(`${numbers} ${answer} ${code ?? ''}`);
      for (const each of writes) Object.assign(each, { answer, ...(code && { code }) });
    };
    write
      .all(
        writes.map(({ number }) => ({ number, lane })),
        options,
      )
      .then(
        (receipt) =>
          answered(
            receipt.outcome === 'queued' && receipt.durability === 'memory'
              ? 'volatile'
              : (receipt.outcome as Exclude<typeof receipt.outcome, 'accepted'>),
          ),
        (error: unknown) => {
          const code = codeOf(error);
          // A disk that hangs may have stored a local one all the same.
          const untold = byHand && code === 'FALLBACK_UNKNOWN_OUTCOME';
          answered(untold ? 'untold local' : 'refused', code);
        },
      );
  }

  #callOptions(timeoutMs: number | undefined, givesUpAfterMs: number | undefined): CallOptions {
    if (givesUpAfterMs === undefined) return { timeoutMs };
    const caller = new AbortController();
    const giveUp = () => caller.abort(new Error('The caller gave up'));
    if (givesUpAfterMs === 0) giveUp();
    else this.#clock.after(givesUpAfterMs, giveUp);
    return { timeoutMs, signal: caller.signal };
  }

  #crash(): void {
    this.#note('crash');
    this.#end();
    this.#restarts += 1;
    this.#process = this.#start();
  }

  /** The process ends with its manager closed, or lives on with another manager in it. */
  async #close({ lingersMs, exits }: Extract<Event, { kind: 'close' }>): Promise<void> {
    this.#note('close');
    let closed = false;
    void this.#process.manager.close().then(() => {
      closed = true;
    });
    for (let tick = 0; tick < 200 && !closed; tick += 1) await this.#pass(50);
    if (!closed) this.#wrong.push('stuck: close() did not end');
    this.#forget('volatile');
    await this.#pass(lingersMs);
    this.#note(exits ? 'closed, exits' : 'closed');
    if (exits) this.#end();
    this.#restarts += 1;
    this.#process = this.#start();
    if (this.#chance.happens(0.5)) await this.#process.manager.open();
  }

  /** From here on the process does nothing any more, and nobody in it is told anything. */
  #end(): void {
    const { life } = this.#process;
    life.alive = false;
    this.#forget('none', 'volatile');
  }

  #forget(...answers: readonly ModelWrite['answer'][]): void {
    const untold = this.#configuration.byHand ? 'untold local' : 'untold';
    for (const write of this.#writes) if (answers.includes(write.answer)) write.answer = untold;
  }

  async #recover(): Promise<void> {
    for (let round = 0; round < 30; round += 1) {
      await this.#pass(10_000);
      await this.#process.read(`${round}`).catch(() => {});
    }
  }

  /** As a person would: looks whether the upstream has it, and sends it again if not. */
  async #decided(): Promise<boolean> {
    const { queue } = this.#process.manager;
    const parked = queue.list().filter(({ reason }) => reason === 'interrupted');
    if (this.#restarts < mostInterruptions) return false;
    for (const { id } of parked) {
      const decision = this.#upstream.has(id) ? 'purge' : 'retry';
      this.#note(`${decision} ${id}`);
      await queue.decide(id, decision);
    }
    return parked.length > 0;
  }

  async #quietly(phase: () => Promise<void>): Promise<void> {
    const timers = this.#timers;
    const since = this.#clock.elapsed();
    await phase();
    this.#timerRates.push(((this.#timers - timers) * 1_000) / (this.#clock.elapsed() - since));
  }

  #pass(ms: number): Promise<void> {
    return this.#clock.advance(ms);
  }

  #note(what: string): void {
    this.log.push(`${Math.round(this.#clock.elapsed())} ms: ${what}`);
  }
}

function codeOf(error: unknown): string {
  const { code, status } = Object(error) as { readonly code?: unknown; readonly status?: unknown };
  return String(code ?? status ?? error);
}
