/** Names of keys. All of one identity share a hash tag; lanes and operations may have any name. */

import { createHash } from 'node:crypto';
import type { Identity } from '@graphiti-fallback/core';
import { keyNames } from './scripts/prelude.ts';
import { valueKeyNames } from './scripts/values.ts';

/** The keys of one identity. */
export class Keys {
  readonly #prefix: string;
  /** What every script declares. */
  readonly all: readonly string[];
  /** What every script declares that is about what instances share beside the queue. */
  readonly values: readonly string[];

  constructor({ manager, hash }: Identity) {
    // A lone surrogate has no encoding.
    const name = /\p{Surrogate}/u.test(manager) ? shortName(manager) : encodeURIComponent(manager);
    this.#prefix = `gf:{${name}:${hash}}:`;
    this.all = keyNames.map((name) => `${this.#prefix}${name}`);
    this.values = valueKeyNames.map((name) => `${this.#prefix}values:${name}`);
  }

  /** Of a cached answer, by its short name. */
  answer(key: string): string {
    return `${this.#prefix}answer:${key}`;
  }

  /** When anything changed last. */
  get clock(): string {
    return `${this.#prefix}values:clock`;
  }

  /** The list of a lane, by the lane's short name. */
  list(lane: string): string {
    return `${this.#prefix}lane:${lane}`;
  }

  /** Instances that are there. */
  get instances(): string {
    return `${this.#prefix}fleet:instances`;
  }

  /** What is known of a breaker, by its short name: the view, its witnesses, who tries. */
  breaker(name: string): readonly string[] {
    return ['view', 'witnesses', 'prober'].map((what) => `${this.#prefix}fleet:${name}:${what}`);
  }

  role(role: string): string {
    return `${this.#prefix}role:${role}`;
  }
}

/** Names that were made: those of operations and of busy lanes come again and again. */
const made = new Map<string, string>();
const mostMade = 4_096;
const longestMade = 256;

/** A name without any character that could mean something. As JSON, lone surrogates are told apart, too. */
export function shortName(name: string): string {
  const known = made.get(name);
  if (known !== undefined) return known;
  const short = createHash('sha256').update(JSON.stringify(name)).digest('base64url').slice(0, 22);
  if (name.length > longestMade) return short;
  if (made.size >= mostMade) made.clear();
  made.set(name, short);
  return short;
}
