/** The exchange of an instance among others: through an engine that they share. */

import type { Clock } from '../clock.ts';
import type { Undo } from '../events.ts';
import type { Identity, Journal } from '../journal.ts';
import { isSharedQueueUnavailable } from '../queue/shared-queue.ts';
import type { AnswerKeeper, Exchange, OwnAnswer } from './exchange.ts';
import { Offers } from './offers.ts';
import type { Found, Moment, SharedValues, ValueChange } from './shared-values.ts';
import { Untold } from './untold.ts';
import { UntoldNotes } from './untold-notes.ts';

interface Surroundings {
  readonly values: SharedValues;
  /** Where answers are kept here. */
  readonly journal: Journal;
  readonly clock: Clock;
  /** Told what went wrong, but for the engine being away, which it tells itself. */
  readonly onFailure: (error: unknown) => void;
}

/** How long a caller waits for what others know, and for a note of what they do not know yet, in ms. */
const patience = 50;
const notingPatience = 1_000;
/** How often is heard what happened elsewhere, and what this instance has is handed on, in ms. */
const lookEvery = 1_000;
const offerEvery = 250;
/** Moments of reads that are remembered. */
const mostSteps = 1_000;

/** Reads that began from then on knew of all changes up to that moment. */
interface Step {
  readonly began: number;
  readonly since: Moment;
}

/** Creates it; `open` connects. */
export function createExchange(around: Surroundings): Exchange {
  return new SharedExchange(around);
}

class SharedExchange implements Exchange {
  readonly #around: Surroundings;
  readonly #untold = new Untold();
  readonly #notes: UntoldNotes;
  readonly #offers: Offers;
  readonly #asking = new Map<string, Promise<Found | undefined>>();
  #answers: AnswerKeeper | undefined;
  #steps: Step[] = [];
  /** The last change that is known of, and up to where all of them were heard. */
  #last: Moment | undefined;
  #heard: Moment | undefined;
  #hearing: Promise<void> | undefined;
  #telling: Promise<boolean> | undefined;
  /** When what is being told was sent, monotonic ms. */
  #sentAt = Number.POSITIVE_INFINITY;
  /** The notes that are written now. */
  #noting: Promise<void> | undefined;
  #opening: Promise<void> | undefined;
  #cancelLook: Undo = () => {};
  #cancelOffer: Undo | undefined;
  #stopListening: Undo = () => {};
  #closed = false;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#notes = new UntoldNotes(around.journal, around.onFailure);
    this.#offers = new Offers(around.clock);
  }

  open(identity: Identity, warn: (message: string) => void): Promise<void> {
    this.#opening ??= this.#open(identity, warn);
    return this.#opening;
  }

  keepsAnswers(keeper: AnswerKeeper): void {
    this.#answers = keeper;
  }

  markOf(key: string): string {
    return this.#around.values.markOf(key);
  }

  readBegins(began: number): void {
    const since = this.#last;
    if (!since || this.#steps.at(-1)?.since === since) return;
    this.#steps.push({ began, since });
    if (this.#steps.length > mostSteps) this.#steps = this.#steps.slice(mostSteps / 2);
  }

  sinceOf(began: number): Moment | undefined {
    for (let index = this.#steps.length - 1; index >= 0; index -= 1) {
      const step = this.#steps[index] as Step;
      if (step.began <= began) return step.since;
    }
    return undefined;
  }

  offer(key: string, answer: OwnAnswer, again: boolean): void {
    if (this.#closed || !answer.since) return;
    this.#offers.add(key, answer, again);
    if (this.#offers.size === 0) return;
    this.#cancelOffer ??= this.#around.clock.after(offerEvery, () => {
      this.#cancelOffer = undefined;
      void this.#handOn();
    });
  }

  tell(change: ValueChange): void {
    if (this.#closed) return;
    // Who asks from now on must not hear what others knew before.
    this.#asking.clear();
    this.#notes.drop(this.#untold.add(change));
    queueMicrotask(() => void this.#tell());
  }

  kept(): Promise<void> | undefined {
    if (this.#untold.size === 0 || this.#closed) return undefined;
    // Who does not answer may be gone, too.
    const isSilent = this.#around.clock.elapsed() - this.#sentAt > patience;
    if (this.#around.values.available && !isSilent) return undefined;
    this.#note();
    return this.#noting && this.#inTime(this.#noting, notingPatience);
  }

  ask(key: string): Promise<Found | undefined> | undefined {
    if (!this.#around.values.available || this.#closed) return undefined;
    return this.#inTime(this.#asking.get(key) ?? this.#askAnew(key), patience);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#cancelLook();
    this.#cancelOffer?.();
    this.#stopListening();
    if (this.#around.values.available) await this.#handOn();
    this.#closed = true;
    await this.#around.values.close();
  }

  async #open(identity: Identity, warn: (message: string) => void): Promise<void> {
    const { values } = this.#around;
    for (const change of this.#notes.found()) this.#untold.add(change);
    this.#stopListening = values.onBack(() => void this.#catchUp());
    await values.open(identity, warn);
    if (values.available) await this.#catchUp();
    this.#look();
  }

  /** Looks by itself: what happens elsewhere is not told. */
  #look(): void {
    if (this.#closed) return;
    this.#cancelLook = this.#around.clock.after(lookEvery, () => {
      void this.#catchUp().finally(() => this.#look());
    });
  }

  async #catchUp(): Promise<void> {
    if (!this.#around.values.available || this.#closed) return;
    await this.#hear();
    await this.#tell();
  }

  #askAnew(key: string): Promise<Found | undefined> {
    const asking = this.#ask(key).finally(() => {
      if (this.#asking.get(key) === asking) this.#asking.delete(key);
    });
    this.#asking.set(key, asking);
    return asking;
  }

  /** What was taken away here must be known before anything else is asked. */
  async #ask(key: string): Promise<Found | undefined> {
    try {
      if (!(await this.#tell())) return undefined;
      const [, found] = await Promise.all([this.#hear(), this.#around.values.find(key)]);
      return found;
    } catch (error) {
      this.#forgive(error);
      return undefined;
    }
  }

  #hear(): Promise<void> {
    this.#hearing ??= this.#listen()
      .catch((error: unknown) => this.#forgive(error))
      .finally(() => {
        this.#hearing = undefined;
      });
    return this.#hearing;
  }

  async #listen(): Promise<void> {
    const { values } = this.#around;
    for (let more = true; more && !this.#closed; ) {
      const news = await values.news(this.#heard);
      const { era } = news.until;
      const at = (moment: number): Moment => ({ era, at: moment });
      const { lost } = news;
      if (this.#heard?.era !== era) this.#answers?.eraBegins(era, this.#heard === undefined);
      if (lost.removed !== undefined) this.#answers?.allRemoved(at(lost.removed));
      if (lost.expired !== undefined) this.#answers?.allExpired(at(lost.expired));
      for (const { entity, at: moment } of news.removed) this.#answers?.removed(entity, at(moment));
      for (const { entity, at: moment } of news.expired) this.#answers?.expired(entity, at(moment));
      for (const { mark, at: moment } of news.forgotten) this.#answers?.forgotten(mark, at(moment));
      this.#heard = news.until;
      if (this.#last?.era !== era || this.#last.at < news.last.at) this.#last = news.last;
      more = news.more;
    }
  }

  /** True when nothing is left to be told. */
  #tell(): Promise<boolean> {
    if (this.#untold.size === 0) return Promise.resolve(true);
    this.#telling ??= this.#tellAll();
    return this.#telling;
  }

  async #tellAll(): Promise<boolean> {
    const { values } = this.#around;
    await Promise.resolve();
    try {
      while (this.#untold.size > 0) {
        const changes = this.#untold.next();
        if (!values.available) return false;
        this.#sentAt = this.#around.clock.elapsed();
        const { last } = await values.change(changes);
        this.#notes.drop(this.#untold.told(changes));
        this.#last = last;
      }
      return true;
    } catch (error) {
      this.#forgive(error);
      return false;
    } finally {
      // In the same step: whoever tells something right after that begins anew.
      this.#telling = undefined;
      this.#sentAt = Number.POSITIVE_INFINITY;
      if (this.#untold.size > 0) this.#note();
    }
  }

  /** Not lazily: what was promised here must not be forgotten with this process. */
  #note(): void {
    const unnoted = this.#untold.unnoted();
    if (unnoted.length === 0) return;
    const noting = Promise.all([this.#noting, this.#notes.note(unnoted)]).then(() => {
      if (this.#noting === noting) this.#noting = undefined;
    });
    this.#noting = noting;
  }

  async #handOn(): Promise<void> {
    try {
      if (!(await this.#tell())) return;
      for (const answers of this.#offers.take()) await this.#around.values.keep(answers);
    } catch (error) {
      this.#forgive(error);
    }
  }

  /** What takes too long comes too late for who asked, and is not waited for. */
  #inTime<T>(asked: Promise<T>, ms: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#around.clock.after(ms, () => resolve(undefined), true);
      void asked.then((found) => {
        cancel();
        resolve(found);
      });
    });
  }

  #forgive(error: unknown): void {
    if (!isSharedQueueUnavailable(error)) this.#around.onFailure(error);
  }
}
