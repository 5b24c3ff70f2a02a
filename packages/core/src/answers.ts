/** The answers of one read: what they are kept under, what they concern, and that nobody can change them. */

import { hashOfHeaders, type SentHeaders } from './call-headers.ts';
import type { Engine } from './engine.ts';
import { type Entity, isEntity } from './entity.ts';
import { FallbackError } from './errors.ts';
import { canonical, copyJson, freezeJson, type Json, notJson, sizeOfJson } from './json.ts';
import type { ReadSpec } from './operation.ts';
import { ReadKey, ReadKeys } from './read-keys.ts';

/** How long an answer is fresh, and how long after that it may be served, in ms. */
export interface Lasting {
  readonly ttl?: number | undefined;
  readonly staleIfError?: number | undefined;
}

/** An answer that is known without asking, and what it concerns. */
export interface KnownAnswer<Value> {
  readonly value: Value;
  readonly entities: readonly Entity[];
}

const none: readonly Entity[] = [];
const usual: Lasting = {};

/** Answers of one declared read in the manager's cache. */
export class Answers<Input, Value> {
  readonly ttl: number;
  readonly #engine: Engine;
  readonly name: string;
  readonly #spec: ReadSpec<Input, Value>;
  readonly #staleIfError: number;
  /** Whether nothing is kept. */
  readonly #passing: boolean;
  readonly #prefix: string;
  /** Answers that are not JSON: each belongs to the caller who asked for it. */
  readonly #owned = new WeakSet<object>();
  #lastIsOwned = false;
  /** Of texts, and of other inputs by their canonical JSON. */
  readonly #texts = new ReadKeys<Value>((text) => `${this.#prefix}${canonical(text)}`);
  readonly #inputs = new ReadKeys<Value>((json) => `${this.#prefix}${json}`);
  #warned = false;

  constructor(engine: Engine, name: string, spec: ReadSpec<Input, Value>) {
    this.#engine = engine;
    this.name = name;
    this.#spec = spec;
    this.ttl = spec.ttl ?? engine.defaults.ttl;
    this.#staleIfError = spec.staleIfError ?? engine.defaults.staleIfError;
    this.#passing = this.ttl + this.#staleIfError <= 0;
    // A store may be shared by managers, and need not tell them apart.
    this.#prefix = `${name}\u0000${engine.identity.hash.slice(0, 16)}\u0000`;
  }

  /**
   * What makes two reads the same: operation, upstream, input and headers.
   *
   * @throws {FallbackError} `FALLBACK_INVALID_INPUT` for an input that is not JSON: what JSON cannot
   * tell apart would give one user another's answer
   */
  key(input: Input, headers: SentHeaders): ReadKey<Value> {
    const asked = this.#spec.key ? this.#spec.key(input) : input;
    const hash = hashOfHeaders(headers);
    if (hash) return new ReadKey(`${this.#prefix}${this.#json(asked)}\u0000${hash}`, false);
    return typeof asked === 'string' ? this.#texts.of(asked) : this.#inputs.of(this.#json(asked));
  }

  #json(asked: unknown): string {
    const wrong = asked === undefined ? undefined : notJson(asked);
    if (wrong)
      throw new FallbackError(
        'FALLBACK_INVALID_INPUT',
        `Expected the input of '${this.name}' to be JSON, it is not at ${wrong}; declare its \`key\``,
      );
    return String(canonical(asked));
  }

  /**
   * Keeps what the upstream answered to a read that began at a moment of the cache, frozen. Where nothing
   * is kept the answer is its caller's own, as it came.
   *
   * @param shared whether several wait for it
   */
  keep(key: string, input: Input, value: Value, began: number, shared: boolean): Value {
    if (this.#passing) {
      this.#engine.cache.pass(key);
      // Nobody asks of what nobody waits for together; until they do again.
      this.#lastIsOwned &&= !this.#isJson(value);
      return value;
    }
    this.#lastIsOwned = false;
    // Others have this very object.
    const again = shared ? undefined : this.#again(key, value, began);
    if (again) return again.value as Value;
    const size = sizeOfJson(value);
    if (size === undefined && !this.#isJson(value)) return value;
    const frozen = freezeJson(value);
    const entities = this.entities(input, frozen);
    if (entities && !this.#engine.life.closed)
      this.#put(key, { value: frozen, entities, size }, usual, began);
    return frozen;
  }

  /** An answer that is what it was needs neither be checked again, nor frozen, nor told what it concerns. */
  #again(key: string, value: Value, began: number): { readonly value: unknown } | undefined {
    if (this.#engine.life.closed || !isObject(value)) return undefined;
    const { ttl } = this;
    return this.#engine.cache.renew(key, value, { ttl, staleIfError: this.#staleIfError, began });
  }

  /** What others get of an answer who waited for it, too; nothing where it cannot be shared. */
  share(value: Value): { readonly value: Value } | undefined {
    if (this.#passing) return this.#isJson(value) ? { value: copyJson(value) } : undefined;
    return isObject(value) && this.#owned.has(value) ? undefined : { value };
  }

  /** What is not JSON is neither kept nor shared. */
  #isJson(value: Value): boolean {
    const wrong = notJson(value);
    this.#lastIsOwned = wrong !== undefined && isObject(value);
    if (wrong === undefined) return true;
    if (isObject(value)) this.#owned.add(value);
    this.warn(
      `Answers of '${this.name}' are not JSON at ${wrong}: they are served, but neither cached nor shared`,
    );
    return false;
  }

  /**
   * An answer that somebody knows without asking; copied, so that nobody changes it afterwards.
   *
   * @throws {FallbackError} `FALLBACK_INVALID_INPUT` for what is no answer of this read
   */
  known(input: Input, value: Value): KnownAnswer<Value> {
    const wrong = notJson(value);
    if (wrong)
      throw new FallbackError(
        'FALLBACK_INVALID_INPUT',
        `Expected an answer of '${this.name}' to be JSON, it is not at ${wrong}`,
      );
    const copy = freezeJson(copyJson(value));
    try {
      const entities: readonly Entity[] = this.#spec.entities?.(input, copy) ?? [];
      if (!entities.every(isEntity)) throw new TypeError('Expected each entity to be { type, id }');
      return { value: copy, entities };
    } catch (cause) {
      const message = `Expected an answer of '${this.name}' that its \`entities\` understands`;
      throw new FallbackError('FALLBACK_INVALID_INPUT', message, { cause });
    }
  }

  /** Keeps such an answer, as if the upstream gave it now. False when it is larger than the cache may be. */
  put(key: string, { value, entities }: KnownAnswer<Value>, lasting: Lasting): boolean {
    const { cache } = this.#engine;
    // Reads that began before know less.
    cache.settle(key);
    const began = cache.beginRead();
    try {
      return this.#put(key, { value, entities, size: sizeOfJson(value) }, lasting, began);
    } finally {
      cache.endRead();
    }
  }

  /** Whether nothing that an answer concerns has changed since its read began. */
  isCurrent(key: string, input: Input, value: Value, began: number): boolean {
    const entities = this.entities(input, value) ?? [];
    return this.#engine.cache.isCurrent(key, entities, began);
  }

  /** Whether callers had better not wait for each other's answers. */
  get owned(): boolean {
    return this.#lastIsOwned;
  }

  /** What an answer concerns; nothing known where the app's own function throws. */
  entities(input: Input, value?: Value): readonly Entity[] | undefined {
    try {
      const entities: readonly Entity[] = this.#spec.entities?.(input, value) ?? none;
      if (entities === none) return none;
      if (Array.isArray(entities) && entities.every(isEntity)) return entities;
      this.warn(`\`entities\` of '${this.name}' gave something else than a list of { type, id }`);
    } catch (error) {
      this.warn(`\`entities\` of '${this.name}' threw: ${String(error)}`);
    }
    return undefined;
  }

  /** Says something once. */
  warn(message: string): void {
    if (!this.#warned) this.#engine.events.emit('warning', { message });
    this.#warned = true;
  }

  #put(
    key: string,
    { value, entities, size = 0 }: KnownAnswer<Value> & { readonly size: number | undefined },
    { ttl = this.ttl, staleIfError = this.#staleIfError }: Lasting,
    began: number,
  ): boolean {
    const entry = { value: value as Json, size, entities, ttl, staleIfError, began };
    return this.#engine.cache.set(key, entry);
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
