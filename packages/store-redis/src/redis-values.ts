/** What instances share beside the queue, in a Redis. */

import { randomUUID } from 'node:crypto';
import type {
  Changed,
  Found,
  Identity,
  News,
  SharedAnswer,
  SharedValues,
  Touched,
  Undo,
  ValueChange,
} from '@graphiti-fallback/core';
import { Keys, shortName } from './keys.ts';
import { listOf, type Reply } from './link.ts';
import type { ScriptName } from './scripts/scripts.ts';
import type { Server } from './server.ts';

type Moment = News['until'];

/** Cached answers in one Redis, which may throw any of it away. */
export class RedisValues implements SharedValues {
  readonly #server: Server;
  readonly #listeners = new Set<() => void>();
  #keys = new Keys({ manager: '', hash: '' });
  /** The last moment that was told of: a server that does not know it has lost what it knew. */
  #told: Moment = { era: '', at: 0 };

  constructor(server: Server) {
    this.#server = server;
  }

  async open(identity: Identity, warn: (message: string) => void): Promise<void> {
    this.#keys = new Keys(identity);
    await this.#server.connect('values', {
      warn,
      onUsable: () => {
        for (const listener of this.#listeners) listener();
      },
    });
  }

  get available(): boolean {
    return this.#server.usableFor('values');
  }

  markOf(key: string): string {
    return shortName(key);
  }

  async news(since: Moment | undefined): Promise<News> {
    const asked = since ? [since.era, since.at] : ['', 0];
    const [era, until, last, removedLost, expiredLost, removed, expired, forgotten] = listOf(
      await this.#run('news', [], asked),
    );
    const at = (moment: Reply | undefined): Moment => ({ era: String(era), at: Number(moment) });
    this.#hears(at(last));
    return {
      until: at(until),
      last: at(last),
      more: Number(until) < Number(last),
      removed: touchedOf(removed),
      expired: touchedOf(expired),
      forgotten: pairsOf(forgotten).map(([mark, moment]) => ({ mark, at: moment })),
      lost: {
        ...(removedLost !== '' && { removed: Number(removedLost) }),
        ...(expiredLost !== '' && { expired: Number(expiredLost) }),
      },
    };
  }

  async find(key: string): Promise<Found> {
    const [kind, ...rest] = listOf(await this.#run('findValue', [this.#answer(key)], []));
    if (kind === 'gone') {
      const [era, at] = rest;
      return { kind, at: { era: String(era), at: Number(at) } };
    }
    if (kind !== 'answer') return { kind: 'nothing' };
    const [body, entities, age, freshFor, servableFor, era, since] = rest;
    const answer = {
      body: String(body),
      entities: (JSON.parse(String(entities)) as string[]).map(nameOf),
      ageMs: Number(age),
      freshForMs: Number(freshFor),
      servableForMs: Number(servableFor),
      since: { era: String(era), at: Number(since) },
    };
    return { kind, answer };
  }

  async keep(answers: readonly SharedAnswer[]): Promise<void> {
    if (answers.length === 0) return;
    const args = answers.flatMap(({ key, since, ageMs, ttlMs, staleMs, entities, body }) => [
      shortName(key),
      since.era,
      since.at,
      Math.round(ageMs),
      Math.round(ttlMs),
      Math.round(staleMs),
      JSON.stringify(entities.map(wireName)),
      body,
    ]);
    const keys = answers.map(({ key }) => this.#answer(key));
    await this.#run('keepValues', keys, [answers.length, ...args]);
  }

  async change(changes: readonly ValueChange[]): Promise<Changed> {
    const args = changes.flatMap((change) => {
      // The key of an answer is too long, and too much a secret, to be told in the news.
      if (change.kind === 'forget') return [change.kind, shortName(change.key)];
      return [change.kind, 'entity' in change ? wireName(change.entity) : ''];
    });
    const keys = changes.map((change) =>
      change.kind === 'forget' ? this.#answer(change.key) : this.#keys.clock,
    );
    const [era, last, ...at] = listOf(
      await this.#run('changeValues', keys, [changes.length, ...args]),
    );
    const moment = { era: String(era), at: Number(last) };
    this.#hears(moment);
    return { last: moment, at: at.map(Number) };
  }

  onBack(listener: () => void): Undo {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#server.close('values');
  }

  #hears(moment: Moment): void {
    if (moment.era !== this.#told.era || moment.at > this.#told.at) this.#told = moment;
  }

  #answer(key: string): string {
    return this.#keys.answer(shortName(key));
  }

  #assertUsable(): void {
    this.#server.assertUsableFor('values');
  }

  #run(
    script: ScriptName,
    answers: readonly string[],
    args: readonly (string | number)[],
  ): Promise<Reply> {
    this.#assertUsable();
    const keys = [...this.#keys.values, ...answers];
    const { era, at } = this.#told;
    return this.#server.values.run(script, keys, [randomUUID(), era, at, ...args]);
  }
}

/** Any text as one that UTF-8 can say. */
function wireName(name: string): string {
  return JSON.stringify(name);
}

function nameOf(wire: string): string {
  return JSON.parse(wire);
}

function touchedOf(reply: Reply | undefined): readonly Touched[] {
  return pairsOf(reply).map(([name, at]) => ({ entity: nameOf(name), at }));
}

/** Names and moments in turn. */
function pairsOf(reply: Reply | undefined): readonly (readonly [name: string, at: number])[] {
  const flat = listOf(reply);
  const pairs: [string, number][] = [];
  for (let index = 0; index + 1 < flat.length; index += 2)
    pairs.push([String(flat[index]), Number(flat[index + 1])]);
  return pairs;
}
