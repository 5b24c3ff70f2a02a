/** The cache as people use it: look, put in place, take away, fill before an outage. */

import type { Lasting } from './answers.ts';
import { type CallHeaders, sentHeaders } from './call-headers.ts';
import type { AnyAnswers } from './declared-read.ts';
import type { Engine } from './engine.ts';
import { type Entity, isEntity } from './entity.ts';
import type { ReadOperation } from './operation.ts';
import { type Check, checkOptions, milliseconds } from './option-check.ts';

/** A declared read, or its name. */
export type ReadOrName<Input, Value> = ReadOperation<Input, Value> | string;

/** Which answer is meant, besides what was asked. */
export interface CachedCall {
  /** Headers that the call had; they are part of what it asked. */
  readonly headers?: CallHeaders | undefined;
}

/** How an answer is put into the cache. */
export interface CachedAnswer extends CachedCall, Lasting {}

/** An answer to fill the cache with. */
export interface WarmEntry extends CachedAnswer {
  readonly operation: ReadOrName<never, unknown>;
  /** What was asked. */
  readonly input?: unknown;
  /** The answer; JSON. */
  readonly value: unknown;
}

/**
 * The cache of answers. An answer is found by what was asked: the read or its name, its input, and its
 * headers where it had any. What is put in is copied, what comes out is frozen.
 *
 * A read that is not declared, or an option that is wrong, throws a TypeError; an input or an answer that
 * is not JSON, `FALLBACK_INVALID_INPUT`.
 */
export interface CacheSurface {
  /** The answer that is kept, fresh or stale, without a call and without pending writes laid over it. */
  get<Input, Value>(
    operation: ReadOrName<Input, Value>,
    input: Input,
    call?: CachedCall,
  ): Promise<Value | undefined>;
  /**
   * Puts an answer in place, as if the upstream gave it now. Reads under way do not undo it. Resolves to
   * false when it is not kept: it is larger than the cache, or the manager is closed.
   */
  set<Input, Value>(
    operation: ReadOrName<Input, Value>,
    input: Input,
    value: Value,
    answer?: CachedAnswer,
  ): Promise<boolean>;
  /** Forgets an answer, also one that a read under way is about to bring. False when there was none. */
  delete<Input>(
    operation: ReadOrName<Input, unknown>,
    input: Input,
    call?: CachedCall,
  ): Promise<boolean>;
  /**
   * Fills the cache before an outage. All entries are checked before the first is taken; an answer that
   * is there already stays. Resolves to how many were taken and are kept.
   */
  warm(entries: Iterable<WarmEntry>): Promise<number>;
  /** Forgets every answer that concerns an entity, also those that reads under way are about to bring. */
  remove(entity: Entity): void;
  /** Forgets every answer, also those that reads under way are about to bring. */
  clear(): void;
}

/** Checked where it is used. */
const any: Check = () => undefined;
const callChecks = { headers: any };
const answerChecks = { ...callChecks, ttl: milliseconds(0), staleIfError: milliseconds(0) };
const entryChecks = { ...answerChecks, operation: any, input: any, value: any };

/** Makes the surface. */
export function cacheSurface({ cache, life, name, reads }: Engine): CacheSurface {
  return {
    async get<Value>(operation: unknown, input: unknown, call: CachedCall = {}) {
      checkOptions('cache.get', call, callChecks);
      const key = keyOf(answersOf(operation), input, call);
      await opened();
      // Where nobody is asked no other call comes in between.
      const asked = cache.askOthers(key);
      if (asked) await asked;
      return cache.get(key)?.value as Value | undefined;
    },
    async set(operation, input, value, answer = {}) {
      checkOptions('cache.set', answer, answerChecks);
      const put = prepared({ operation, input, value, ...answer } as WarmEntry);
      await opened();
      return !life.closed && put.into();
    },
    async delete(operation, input, call = {}) {
      checkOptions('cache.delete', call, callChecks);
      const key = keyOf(answersOf(operation), input, call);
      await opened();
      return cache.delete(key);
    },
    async warm(entries) {
      const puts = [...entries].map((entry, index) => {
        checkOptions(`entry ${index} of cache.warm`, entry, entryChecks);
        return prepared(entry);
      });
      await opened();
      if (life.closed) return 0;
      const taken = puts.filter(({ key, into }) => !cache.get(key) && into());
      // Those that came last may have taken the place of the first.
      return taken.filter(({ key }) => cache.has(key)).length;
    },
    remove(entity) {
      if (!isEntity(entity))
        throw new TypeError('Expected an entity for cache.remove: { type, id }');
      cache.remove(entity);
    },
    clear: () => cache.clear(),
  };

  /** What an earlier process kept is there only then. */
  async function opened(): Promise<void> {
    if (!life.opened) await life.open();
  }

  function answersOf(operation: unknown): AnyAnswers {
    const known = reads.get(typeof operation === 'string' ? operation : nameOf(operation));
    if (known && (typeof operation === 'string' || operation === known.operation))
      return known.answers;
    const got = typeof operation === 'string' ? `'${operation}'` : typeof operation;
    throw new TypeError(`Expected a read that is declared on '${name}', or its name, got ${got}`);
  }

  function prepared({ operation, input, value, headers, ...lasting }: WarmEntry) {
    const answers = answersOf(operation);
    const key = keyOf(answers, input, { headers });
    const known = answers.known(input, value);
    return { key, into: () => answers.put(key, known, lasting) };
  }
}

function nameOf(operation: unknown): string {
  const named = typeof operation === 'function' ? Reflect.get(operation, 'operationName') : '';
  return typeof named === 'string' ? named : '';
}

function keyOf(answers: AnyAnswers, input: unknown, { headers }: CachedCall): string {
  return answers.key(input, sentHeaders(answers.name, headers)).text;
}
