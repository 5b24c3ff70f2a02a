/** What Graphiti would choke on is refused before anything is sent. */

import { FallbackError } from '@graphiti-fallback/core';
import * as v from 'valibot';
import type { EntityNode, Message, SearchQuery } from './model.ts';

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
  v.integer('a whole number, 1 or more'),
  v.minValue(1, 'a whole number, 1 or more'),
);

const timestamp = v.pipe(
  v.string('an ISO 8601 time'),
  v.check(
    (text) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)),
    'an ISO 8601 time',
  ),
);

const searchQuery = v.strictObject({
  query: filled,
  group_ids: v.nullish(v.array(groupId, 'a list of group ids')),
  max_facts: v.optional(count),
});

const message = v.strictObject({
  content: filled,
  role_type: v.picklist(['user', 'assistant', 'system'], 'user, assistant or system'),
  role: v.nullish(v.string('a text or null')),
  name: v.optional(filled),
  timestamp: v.optional(timestamp),
  source_description: v.optional(v.string('a text')),
});

const messages = v.pipe(
  v.array(message, 'a list of messages'),
  v.minLength(1, 'a list of one message or more'),
);

const entityNode = v.strictObject({
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
export function checkEpisodes(group: string, lastN: number): void {
  check('getEpisodes', v.strictObject({ groupId, lastN: count }), { groupId: group, lastN });
}

/**
 * A caller's `uuid` is refused like any unknown field: one that Graphiti does not know ends its worker,
 * one that it knows makes it ignore the message.
 *
 * @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came
 */
export function checkMessages(group: string, given: readonly Message[]): void {
  check('addMessages', v.strictObject({ groupId, messages }), { groupId: group, messages: given });
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function checkEntityNode(node: EntityNode): void {
  check('addEntityNode', entityNode, node);
}

function check(call: string, schema: v.GenericSchema, value: unknown): void {
  const { issues } = v.safeParse(schema, value);
  const issue = issues?.[0];
  if (!issue) return;
  const path = v.getDotPath(issue) ?? 'input';
  const wanted =
    issue.type === 'strict_object'
      ? issue.expected === 'never'
        ? 'no such field'
        : issue.expected
      : issue.message;
  throw new FallbackError(
    'FALLBACK_INVALID_INPUT',
    `Expected \`${path}\` of ${call} to be ${wanted}, got ${kindOf(issue.input)}`,
  );
}

/** What came, without saying what is in it. */
function kindOf(value: unknown): string {
  if (value === '') return 'an empty text';
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
