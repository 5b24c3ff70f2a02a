/** POST /search: the facts that answer a question. */

import type { FallbackManager, ReadOperation } from '@graphiti-fallback/core';
import * as v from 'valibot';
import { answerable } from './error.ts';
import { group } from './group.ts';
import { checkInput, count, fields, filledText, groupId } from './input.ts';
import type { Transport } from './transport.ts';

/** What to search for. */
export interface SearchQuery {
  readonly query: string;
  /** Where to search; in all groups where absent, null or empty. */
  readonly group_ids?: readonly string[] | null;
  /** The most facts to answer with, 1 or more. @default 10 */
  readonly max_facts?: number;
}

/** Something that Graphiti holds to be true, or once did. Times are ISO 8601. */
export interface Fact {
  readonly uuid: string;
  /** The relation, such as `LIKES`. */
  readonly name: string;
  /** The fact in words. */
  readonly fact: string;
  /** Since when it is true. */
  readonly valid_at: string | null;
  /** Since when it is not true any more. */
  readonly invalid_at: string | null;
  readonly created_at: string;
  /** When Graphiti learned that it is not true. */
  readonly expired_at: string | null;
  readonly source_node_uuid: string;
  readonly target_node_uuid: string;
  /** The episodes that say so, by uuid. */
  readonly episodes: readonly string[];
}

/** The facts found, the best first. */
export interface SearchResult {
  readonly facts: readonly Fact[];
}

/** Searches; `search.detailed` tells where the answer came from. */
export type Search = Omit<ReadOperation<SearchQuery, SearchResult>, never> &
  ((...args: Parameters<ReadOperation<SearchQuery, SearchResult>>) => Promise<SearchResult>);

const searchQuery = fields({
  query: filledText,
  group_ids: v.nullish(v.array(groupId, 'a list of group ids, or null')),
  max_facts: v.optional(count),
});

/** What tells a result from a proxy's page. Not every field: an older Graphiti is no outage. */
const searchResult = v.looseObject({
  facts: v.array(v.looseObject({ uuid: v.string(), fact: v.string() })),
});
