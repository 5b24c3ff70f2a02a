/** One random run: a history of writes through outages, bad disks and restarts, and then fair weather. */

import { type ManualClock, manualClock, settled } from './manual-clock.test.support.ts';
import { memoryJournal } from './memory-journal.ts';
import { fallbackModes } from './mode.ts';
import { type Chance, seededChance } from './model-chance.test.support.ts';
import type { History, ModelWrite } from './model-oracle.test.support.ts';
import { startProcess } from './model-process.test.support.ts';
import { ModelUpstream } from './model-upstream.test.support.ts';
import type { Weather } from './model-weather.test.support.ts';
import type { CallOptions } from './operation.ts';

/** What may happen in a run, beside writes, reads and outages. */
export interface ModelConfiguration {
  readonly slow?: boolean;
  readonly failing?: boolean;
  readonly closes?: boolean;
  readonly crashes?: boolean;
  /** Callers that give up. */
  readonly aborts?: boolean;
  /** Several writes in one call. */
  readonly several?: boolean;
  readonly reconciles?: boolean;
  readonly crowded?: boolean;
  readonly checksHealth?: boolean;
  /** Writes that are never kept. */
  readonly live?: boolean;
  /** A person who activates and deactivates fallback, in any mode. */
  readonly byHand?: boolean;
}

/** Runs one seed; the log tells in order what was done. */
export async function runModel(
  seed: number,
  configuration: ModelConfiguration,
): Promise<{ readonly history: History; readonly log: readonly string[] }> {
  const run = new ModelRun(seed, configuration);
  await run.turmoil();
  await run.fairWeather();
  // What a process would take along: it holds every manager that was never closed.
  Reflect.deleteProperty(globalThis, Symbol.for('graphiti-fallback.collector.1'));
  return run;
}

/** So many ends of processes with an operation in flight park it, by design, until a person decides. */
const mostInterruptions = 3;

class ModelRun {
  readonly log: string[] = [];
  readonly #writes: ModelWrite[] = [];
  readonly #stuck: string[] = [];
  readonly #timerRates: number[] = [];
  readonly #kept = memoryJournal();
  readonly #clock: ManualClock = manualClock();
  readonly #weather: Weather = { outage: 0, disk: 'well' };
  readonly #configuration: ModelConfiguration;
  readonly #chance: Chance;
  readonly #upstream: ModelUpstream;
  #process: ReturnType<typeof startProcess>;
  #calls = 0;
  #timers = 0;
  #restarts = 0;

  constructor(seed: number, configuration: ModelConfiguration) {
    this.#configuration = configuration;
    this.#chance = seededChance(seed);
    this.#upstream = new ModelUpstream(this.#around);
    this.#process = this.#start();
  }

  get history(): History {
    return {
      writes: this.#writes,
      applied: this.#upstream.applied,
      stuck: this.#stuck,
      timerRates: this.#timerRates,
    };
  }

  async turmoil(): Promise<void> {
    const chance = this.#chance;
    const steps = 25 + Math.floor(chance.below(30));
    for (let step = 0; step < steps; step += 1) {
      await this.#step();
      if (chance.happens(0.7)) await this.#pass(chance.below(chance.pick(60, 2_000)));
      else if (chance.happens(0.5)) await settled();
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
    if (active) this.#stuck.push('fallback is still active');
    const listed = this.#process.manager.queue.list();
    if (listed.length > 0) this.#stuck.push(`the queue holds ${JSON.stringify(listed)}`);
    const records = [...this.#kept.entries('queue')].length;
    if (records > queue.size + queue.states.dead) this.#stuck.push(`${records} records are kept`);
    this.#end();
  }

  get #around() {
    const note = (what: string) => this.#note(what);
    return { clock: this.#clock, chance: this.#chance, weather: this.#weather, note };
  }

  #start() {
    const { crowded = false, checksHealth = false } = this.#configuration;
    return startProcess(
      {
        upstream: this.#upstream,
        kept: this.#kept,
        crowded,
        checksHealth,
        onTimer: () => {
          this.#timers += 1;
        },
      },
      this.#around,
    );
  }

  async #step(): Promise<void> {
    const chance = this.#chance;
    const { slow, failing, closes, crashes, byHand } = this.#configuration;
    const kind = chance.next();
    if (kind < 0.55) {
      const calls = 1 + Math.floor(chance.below(4));
      for (let call = 0; call < calls; call += 1) this.#write();
    } else if (kind < 0.65) this.#process.read(chance.pick('x', 'y')).catch(() => {});
    else if (kind < 0.75) {
      this.#weather.outage = chance.pick(0, 0, 0.3, 0.7, 1);
      this.#note(`upstream fails ${this.#weather.outage}`);
    } else if (kind < 0.85 && (slow || failing)) {
      const bad = [...(slow ? ['slow' as const] : []), ...(failing ? ['failing' as const] : [])];
      this.#weather.disk = chance.pick('well', ...bad);
      this.#note(`disk ${this.#weather.disk}`);
    } else if (kind >= 0.85 && kind < 0.9 && (closes || crashes)) {
      if (crashes && (!closes || chance.happens(0.5))) this.#crash();
      else await this.#close();
    } else if (kind >= 0.9 && byHand) this.#decide();
  }

  #decide(): void {
    const chance = this.#chance;
    const { manager } = this.#process;
    const mode = chance.pick(...fallbackModes);
    this.#note(manager.active ? 'deactivate' : `activate ${mode}`);
    void (chance.happens(0.5) ? manager.deactivate() : manager.activate(mode));
  }

  #write(): void {
    const chance = this.#chance;
    const { several, reconciles, live, byHand } = this.#configuration;
    const lane = chance.pick('a', 'a', 'b');
    const kept = reconciles && chance.happens(0.4) ? 'reconciled' : 'idempotent';
    const kind = live && chance.happens(0.2) ? 'live' : kept;
    const size = several && chance.happens(0.3) ? 1 + Math.floor(chance.below(3)) : 1;
    const call = this.#calls;
    this.#calls += 1;
    const writes = Array.from({ length: size }, (_, index): ModelWrite => {
      return { number: this.#writes.length + index, lane, kind, call, answer: 'none' };
    });
    this.#writes.push(...writes);
    const numbers = writes.map(({ number }) => number).join();
    const options = this.#callOptions();
    const { timeoutMs, signal } = options;
    this.#note(
      `${kind} ${numbers} in ${lane}${timeoutMs ? `, within ${Math.round(timeoutMs)}` : ''}${signal ? ', may give up' : ''}`,
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
              : receipt.outcome,
          ),
        (error: unknown) => {
          const code = codeOf(error);
          // A disk that hangs may have stored a local one all the same.
          const untold = byHand && code === 'FALLBACK_UNKNOWN_OUTCOME';
          answered(untold ? 'untold local' : 'refused', code);
        },
      );
  }

  #callOptions(): CallOptions {
    const chance = this.#chance;
    const timeoutMs = chance.happens(0.6) ? 50 + chance.below(2_500) : undefined;
    if (!this.#configuration.aborts || !chance.happens(0.25)) return { timeoutMs };
    const caller = new AbortController();
    const giveUp = () => caller.abort(new Error('The caller gave up'));
    if (chance.happens(0.2)) giveUp();
    else this.#clock.after(chance.below(1_500), giveUp);
    return { timeoutMs, signal: caller.signal };
  }

  #crash(): void {
    this.#note('crash');
    this.#end();
    this.#restarts += 1;
    this.#process = this.#start();
  }

  /** The process ends with its manager closed, or lives on with another manager in it. */
  async #close(): Promise<void> {
    const chance = this.#chance;
    this.#note('close');
    let closed = false;
    void this.#process.manager.close().then(() => {
      closed = true;
    });
    for (let tick = 0; tick < 200 && !closed; tick += 1) await this.#pass(50);
    if (!closed) this.#stuck.push('close() did not end');
    this.#forget('volatile');
    if (chance.happens(0.5)) await this.#pass(chance.below(3_000));
    const exits = chance.happens(0.5);
    this.#note(exits ? 'closed, exits' : 'closed');
    if (exits) this.#end();
    this.#restarts += 1;
    this.#process = this.#start();
    if (chance.happens(0.5)) await this.#process.manager.open();
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
