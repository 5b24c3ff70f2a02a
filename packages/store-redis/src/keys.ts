/** Names of keys. All of one identity share a hash tag; lanes and operations may have any name. */

import { createHash } from 'node:crypto';
import type { Identity } from '@graphiti-fallback/core';
import { keyNames } from './scripts/prelude.ts';

/** The keys of one identity. */
export class Keys {
  readonly #prefix: string;
  /** What every script declares. */
  readonly all: readonly string[];

  constructor({ manager, hash }: Identity) {
    this.#prefix = `gf:{${encodeURIComponent(manager)}:${hash}}:`;
    this.all = keyNames.map((name) => `${this.#prefix}${name}`);
  }

  /** The list of a lane, by the lane's short name. */
  list(lane: string): string {
    return `${this.#prefix}lane:${lane}`;
  }

  role(role: string): string {
    return `${this.#prefix}role:${role}`;
  }
}

/** A name without any character that could mean something. As JSON, lone surrogates are told apart, too. */
export function shortName(name: string): string {
  return createHash('sha256').update(JSON.stringify(name)).digest('base64url').slice(0, 22);
}
