/** How input is refused: in the caller's words, and without repeating what was said. */

import { FallbackError } from '@graphiti-fallback/core';
import * as v from 'valibot';

/** An object of these fields and no others: a misspelt `group_ids` would search everybody's groups. */
export function fields(entries: Readonly<Record<string, v.GenericSchema>>): v.GenericSchema {
  return v.strictObject(entries, ({ path }) => {
    if (!path) return 'an object';
    const entry = entries[String(path.at(-1)?.key)];
    return (entry && v.safeParse(entry, undefined).issues?.[0].message) ?? 'no such field';
  });
}

/** @throws {FallbackError} `FALLBACK_INVALID_INPUT`, naming the field, what was expected and what came */
export function check(call: string, schema: v.GenericSchema, value: unknown): void {
  const issue = v.safeParse(schema, value).issues?.[0];
  if (!issue) return;
  const path = v.getDotPath(issue) ?? 'input';
  const came = issue.path ? issue.path.at(-1)?.value : issue.input;
  throw new FallbackError(
    'FALLBACK_INVALID_INPUT',
    `Expected \`${path}\` of ${call} to be ${issue.message}, got ${shown(path, came)}`,
  );
}

/** What came, without saying what is in it; how many facts or episodes, and of which group, is no secret. */
function shown(path: string, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null || value === '') return value === null ? 'null' : 'an empty text';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (/^(lastN|max_facts|timeoutMs)$/.test(path) && typeof value === 'number') return String(value);
  if (typeof value !== 'string') return `a ${typeof value}`;
  const open = /^(groupId|group_ids?\b)/.test(path) && value.length <= 60;
  return open ? JSON.stringify(value) : `a text of ${value.length} characters`;
}
