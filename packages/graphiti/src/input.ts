/** What Graphiti would choke on is refused before anything is sent. */

import * as v from 'valibot';
import type { EntityNode, MemoryQuery, Message, SearchQuery } from './model.ts';
import { check, fields } from './refusal.ts';

/** Anything else ends Graphiti's ingestion worker, silently. */
const groupId = v.pipe(
  v.string('a text'),
  v.regex(/^[A-Za-z0-9_-]+$/, 'letters, digits, _ and - only, and one of them at least'),
);

const filled = v.pipe(
  v.string('a text'),
  v.check((text) => text.trim() !== '', 'a text that is not empty'),
);

const count = v.pipe(
  v.number('a whole number, 1 or more'),
  v.safeInteger('a whole number, 1 or more'),
  v.minValue(1, 'a whole number, 1 or more'),
);

const duration = v.pipe(
  v.number('a number of milliseconds above 0'),
  v.finite('a number of milliseconds above 0'),
  v.gtValue(0, 'a number of milliseconds above 0'),
);

const zoned = 'an ISO 8601 time with its zone, such as 2026-01-31T12:00:00Z';
const timestamp = v.pipe(v.string(zoned), v.isoTimestamp(zoned), v.check(exists, zoned));

const searchQuery = fields({
  query: filled,
  group_ids: v.nullish(v.array(groupId, 'a list of group ids')),
  max_facts: v.optional(count),
});

const aUuid = 'a uuid';
/** It becomes a part of a path: `..` would make another path of it, and half a character none. */
const uuid = v.pipe(
  v.string(aUuid),
  v.check((text) => text.trim() !== '' && !/^\.\.?$|\p{Surrogate}/u.test(text), aUuid),
);

const said = {
  content: filled,
  role_type: v.picklist(['user', 'assistant', 'system'], 'user, assistant or system'),
  role: v.nullish(v.string('a text or null')),
  name: v.optional(filled),
  timestamp: v.optional(timestamp),
  source_description: v.optional(v.string('a text')),
};

const message = fields({
  ...said,
  uuid: v.optional(
    v.never(
      'left out: one that Graphiti does not know ends its ingestion, one it knows hides the message',
    ),
  ),
});

const messages = v.pipe(
  v.array(message, 'a list of messages'),
  v.minLength(1, 'a list of one message or more'),
);

const memoryQuery = fields({
  group_id: groupId,
  messages: v.pipe(
    // Here a message is only looked at: a uuid does no harm.
    v.array(fields({ ...said, uuid: v.optional(v.string('a text')) }), 'a list of messages'),
    v.minLength(1, 'a list of one message or more'),
  ),
  max_facts: v.optional(count),
});

const entityNode = fields({
  uuid: filled,
  group_id: groupId,
  name: filled,
  summary: v.optional(v.string('a text')),
});

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function checkQuery(query: SearchQuery): void {
  check('search', searchQuery, query);
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function checkMemory(query: MemoryQuery): void {
  check('getMemory', memoryQuery, query);
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function checkEntityEdge(given: string): void {
  check('getEntityEdge', fields({ uuid }), { uuid: given });
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function checkEpisodes(group: string, lastN: number): void {
  check('getEpisodes', fields({ groupId, lastN: count }), { groupId: group, lastN });
}

/**
 * A caller's `uuid` is refused, too.
 *
 * @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came
 */
export function checkMessages(group: string, given: readonly Message[]): void {
  check('addMessages', fields({ groupId, messages }), { groupId: group, messages: given });
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function checkEntityNode(node: EntityNode): void {
  check('addEntityNode', entityNode, node);
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function checkPendingEntity(given: string): void {
  check('getPendingEntity', fields({ uuid: filled }), { uuid: given });
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function checkDeletion(call: string, given: string, group: string | undefined): void {
  const deletion = fields({ uuid, groupId: v.optional(groupId) });
  check(call, deletion, { uuid: given, groupId: group });
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function checkGroupDeletion(group: string, confirm: string): void {
  const again = fields({ groupId, confirm: v.literal(group, "the group's id once more") });
  check('deleteGroup', again, { groupId: group, confirm });
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function checkClear(confirm: string): void {
  check('clear', fields({ confirm: v.literal('CLEAR ALL', "'CLEAR ALL'") }), { confirm });
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function checkDeadline(call: string, timeoutMs: number): void {
  check(call, fields({ timeoutMs: duration }), { timeoutMs });
}

/** JavaScript takes the 31st of February for the 3rd of March. */
function exists(time: string): boolean {
  const day = time.slice(0, 10);
  return !Number.isNaN(Date.parse(time)) && new Date(day).toISOString().startsWith(day);
}
