/** The council of instances that share a view: one outage, one who tries, one pace. */

import type { Breaker } from '../breaker/breaker.ts';
import type { Outage } from '../breaker/breaker-state.ts';
import type { Clock } from '../clock.ts';
import type { Emitter, FallbackEvents, Undo } from '../events.ts';
import type { Identity } from '../journal.ts';
import type { FallbackMode } from '../mode.ts';
import type { DrainFlows } from '../queue/drain-flow.ts';
import { isSharedQueueUnavailable } from '../queue/shared-queue.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { Council, FleetStatus } from './council.ts';
import type { Attendance, BreakerView, SharedFleet, SharedOutage } from './shared-fleet.ts';

interface Surroundings {
  readonly fleet: SharedFleet;
  readonly clock: Clock;
  readonly events: Emitter<FallbackEvents>;
  /** Asked later: there are no breakers yet. */
  readonly flows: () => DrainFlows;
  readonly outages: Tracing['outages'];
  /** What happens while a breaker is not closed. */
  readonly mode: FallbackMode;
  /** Told what went wrong, but for the engine being away, which it tells itself. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * How long it waits to hear whose outage a breaker has found until that is told, in ms. The breaker is open
 * by then: only who listens waits.
 */
const patience = 1_000;
/** How often the others are heard, in ms; oftener while a breaker is not closed. */
const attendEvery = 1_000;
const attendOften = 100;
/** How often an outage is told of that the others do not have, in ms: they may have lost what they knew. */
const tellEvery = 1_000;

/** Outages that are remembered to be over here: an older copy of the view may have them still. */
const mostOver = 10;

/** What is known of one breaker. */
interface Member {
  readonly breaker: Breaker;
  view: BreakerView | undefined;
  /** The outage of all that it takes part in, also while they cannot be heard. */
  known: string | undefined;
  /** The last one that was everybody's. */
  shared: string | undefined;
  /** Calls that were turned away when it attended last. */
  refused: number;
  /** The outage that this instance has ended, or is to end, for all. */
  ended: string | undefined;
  told: boolean;
  /** Outages that are over here, the last ones. */
  over: readonly string[];
  /** When it was last told of an outage that the others do not have, monotonic ms. */
  toldAt: number;
  /** Times of patience that were heard of. */
  throttles: number | undefined;
}

/** Creates it; `open` connects. */
export function createCouncil(around: Surroundings): Council {
  return new SharedCouncil(around);
}

class SharedCouncil implements Council {
  readonly #around: Surroundings;
  readonly #members = new Map<string, Member>();
  #instances = 1;
  #opened = false;
  #closed = false;
  #attending: Promise<void> | undefined;
  #cancel: Undo = () => {};
  /** When the others are heard next, monotonic ms. */
  #due = Number.POSITIVE_INFINITY;
  readonly #undo: readonly Undo[];

  constructor(around: Surroundings) {
    this.#around = around;
    const { events } = around;
    this.#undo = [
      events.on('deactivated', ({ breaker, outage }) => this.#over(breaker, outage)),
      // Whoever waits to try hears at once when it may.
      events.on('stateChange', () => this.#soon(attendOften)),
    ];
  }

  async open(identity: Identity, warn: (message: string) => void): Promise<void> {
    if (this.#opened) return;
    this.#opened = true;
    await this.#around.fleet.open(identity, warn);
    await this.#attend();
    this.#soon(attendEvery);
  }

  join(breaker: Breaker): Undo {
    this.#members.set(breaker.name, {
      breaker,
      view: undefined,
      known: undefined,
      shared: undefined,
      refused: 0,
      ended: undefined,
      told: true,
      over: [],
      toldAt: Number.NEGATIVE_INFINITY,
      throttles: undefined,
    });
    return () => {
      this.#members.delete(breaker.name);
    };
  }

  named(breaker: string, outage: Outage): Promise<SharedOutage | undefined> | undefined {
    const { trigger } = outage;
    if (!this.#connected || trigger === 'manual' || trigger === 'restart') return undefined;
    const { fleet, outages } = this.#around;
    // The trace has its beginning where this is called.
    const trace = outages.prepare(breaker, outage, this.#around.mode);
    const reported = fleet.report(breaker, { ...outage, ...(trace && { trace }) }).then(
      (known) => {
        if (known.id === outage.id) return undefined;
        outages.restore(breaker, known.trace);
        return known;
      },
      (error: unknown) => this.#forgive(error),
    );
    return this.#inTime(reported);
  }

  mayTry(breaker: string): boolean {
    const view = this.#connected ? this.#members.get(breaker)?.view : undefined;
    return !view?.outage || view.probes;
  }

  throttled(breaker: string, pauseMs: number): void {
    const member = this.#members.get(breaker);
    if (!member || !this.#connected) return;
    this.#around.fleet.throttled(breaker, pauseMs).then(
      (throttles) => {
        // One's own is no news.
        if (throttles === (member.throttles ?? 0) + 1) member.throttles = throttles;
      },
      (error: unknown) => this.#forgive(error),
    );
  }

  status(leader: boolean): FleetStatus {
    const outages = [...this.#members].flatMap(([name, { view }]) =>
      view?.outage ? [[name, { id: view.outage.id, prober: view.probes }] as const] : [],
    );
    const views = [...this.#members.values()].flatMap(({ view }) => view ?? []);
    const throttles = views.reduce((sum, view) => sum + view.throttles, 0);
    const pauses = views.map(({ pausedForMs }) => pausedForMs);
    return {
      connected: this.#connected,
      instances: this.#instances,
      leader,
      outages: Object.fromEntries(outages),
      pace: { throttles, pausedForMs: Math.max(0, ...pauses) },
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancel();
    for (const undo of this.#undo) undo();
    await this.#around.fleet.close();
  }

  get #connected(): boolean {
    return this.#opened && !this.#closed && this.#around.fleet.available;
  }

  /** Whoever is to be heard sooner already is. */
  #soon(ms: number): void {
    if (!this.#opened || this.#closed) return;
    const { clock } = this.#around;
    const due = clock.elapsed() + ms;
    if (this.#due <= due) return;
    this.#cancel();
    this.#due = due;
    this.#cancel = clock.after(ms, () => {
      this.#due = Number.POSITIVE_INFINITY;
      void this.#attend().finally(() => {
        const members = [...this.#members.values()];
        const isBusy = members.some(({ breaker, told }) => breaker.active || !told);
        this.#soon(isBusy ? attendOften : attendEvery);
      });
    });
  }

  #attend(): Promise<void> {
    this.#attending ??= this.#meet()
      .catch((error: unknown) => this.#forgive(error))
      .finally(() => {
        this.#attending = undefined;
      });
    return this.#attending;
  }

  async #meet(): Promise<void> {
    if (!this.#connected) {
      // What was heard last is no more true.
      for (const member of this.#members.values()) member.view = undefined;
      return;
    }
    for (const member of this.#members.values()) await this.#tellEnd(member);
    const members = [...this.#members.values()];
    const heard = await this.#around.fleet.attend(members.map(stateOf));
    this.#instances = heard.instances;
    for (const [index, member] of members.entries()) {
      const view = heard.breakers[index];
      if (view && this.#members.get(member.breaker.name) === member) this.#follow(member, view);
    }
    for (const member of members) await this.#tellOn(member);
  }

  /**
   * Tells of an outage that nobody knows, though this instance has it: it was found while nobody could be
   * asked, or what was known is lost.
   */
  async #tellOn(member: Member): Promise<void> {
    const { breaker, view, shared, ended, toldAt } = member;
    const { outage, state } = breaker;
    if (!outage || breaker.isolation || view?.outage || outage.id === ended) return;
    // Half-open it is doubted, as after a restart, unless all had it.
    if (state.kind !== 'open' && outage.id !== shared) return;
    const now = this.#around.clock.elapsed();
    if (now - toldAt < tellEvery) return;
    member.toldAt = now;
    const trace = this.#around.outages.carrierOf(breaker.name);
    await this.#around.fleet.report(breaker.name, { ...outage, ...(trace && { trace }) });
  }

  #follow(member: Member, view: BreakerView): void {
    const { breaker } = member;
    const before = member.view?.outage;
    const { outage } = view;
    member.view = view;
    member.known = outage?.id;
    member.shared = outage?.id ?? member.shared;
    this.#keepPace(member, view);
    // A person's decision stands.
    if (breaker.isolation) return;
    const had = before?.id === member.ended ? undefined : before?.id;
    if ([had, breaker.outage?.id].some((id) => id !== undefined && view.ended.includes(id))) {
      member.shared = undefined;
      breaker.recoverWithOthers();
    }
    if (!outage || member.over.includes(outage.id)) return;
    if (breaker.active) breaker.takeTurn();
    else this.#join(breaker, outage);
  }

  /** Others have found it. */
  #join(breaker: Breaker, { trace, ...outage }: SharedOutage): void {
    this.#around.outages.restore(breaker.name, trace);
    breaker.follow(outage);
  }

  /** Who hears of it pauses, and halves what it has seen: so all together get half. */
  #keepPace(member: Member, { throttles, pausedForMs }: BreakerView): void {
    const isNews = member.throttles !== undefined && throttles > member.throttles;
    member.throttles = throttles;
    if (isNews) this.#around.flows().find(member.breaker.name)?.throttledElsewhere(pausedForMs);
  }

  /** One's own breaker has closed: it is over for all, or was only its own. */
  #over(breaker: string, outage: string): void {
    const member = this.#members.get(breaker);
    if (!member) return;
    member.over = [outage, ...member.over].slice(0, mostOver);
    // What the engine has lost others may have still.
    const known = member.known ?? (member.shared === outage ? outage : undefined);
    // Who took part under another name, because nobody could be asked, has tried for all as well.
    if (!known || (known !== outage && !member.view?.probes)) return;
    if (known !== outage) member.over = [known, ...member.over];
    member.ended = known;
    member.told = false;
    void this.#attend();
  }

  async #tellEnd(member: Member): Promise<void> {
    if (member.told || member.ended === undefined) return;
    await this.#around.fleet.end(member.breaker.name, member.ended);
    member.told = true;
  }

  #inTime<T>(asked: Promise<T | undefined>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#around.clock.after(patience, () => resolve(undefined), true);
      void asked.then((known) => {
        cancel();
        resolve(known);
      });
    });
  }

  #forgive(error: unknown): undefined {
    if (!isSharedQueueUnavailable(error)) this.#around.onFailure(error);
    return undefined;
  }
}

function stateOf(member: Member): Attendance {
  const { state, name, calls } = member.breaker;
  const { retryInMs, waitingForCall } = member.breaker.status();
  const isWanted = calls.refused > member.refused;
  member.refused = calls.refused;
  const isDoubted = state.kind === 'half_open' && member.breaker.outage?.trigger === 'restart';
  // It has seen nothing yet that it could be a witness of.
  if (isDoubted && !member.view?.outage) return { breaker: name, state: 'up', retryInMs: 0 };
  if (state.kind === 'half_open')
    return { breaker: name, state: waitingForCall ? 'idle' : 'trying', retryInMs: 0 };
  if (state.kind === 'closed' || state.kind === 'isolated')
    return { breaker: name, state: 'up', retryInMs: 0 };
  if (retryInMs > 0) return { breaker: name, state: 'down', retryInMs };
  return { breaker: name, state: isWanted ? 'wanted' : 'due', retryInMs };
}
