import { isFallbackError } from '@graphiti-fallback/core';
import { describe, expect, test } from 'vitest';
import {
  checkClear,
  checkDeadline,
  checkDeletion,
  checkEntityEdge,
  checkEntityNode,
  checkEpisodes,
  checkGroupDeletion,
  checkMemory,
  checkMessages,
  checkQuery,
} from './input.ts';

const message = { role_type: 'user', content: 'x' };
const ask = (query: object) =>
  checkMemory({ group_id: 'g', messages: [message], ...query } as never);
const add = (...messages: unknown[]) => checkMessages('g', messages as never);

describe('what is wrong is refused, naming the field, what was expected and what came', () => {
  test.each([
    [() => checkQuery(undefined as never), '`input`', 'an object', 'nothing'],
    [() => checkQuery({ query: ' ' }), '`query`', 'not empty', 'a text of 1 characters'],
    [() => checkQuery({} as never), '`query`', 'a text', 'nothing'],
    [() => checkQuery({ query: 'q', group_ids: ['a b'] }), '`group_ids.0`', 'letters', '"a b"'],
    [() => checkQuery({ query: 'q', group_ids: 'a' as never }), '`group_ids`', 'a list', '"a"'],
    [() => checkQuery({ query: 'q', group_id: 'a' } as never), '`group_id`', 'no such', '"a"'],
    [() => checkQuery({ query: 'q', max_facts: 0 }), '`max_facts`', 'a whole number', '0'],
    [() => checkEpisodes('', 1), '`groupId`', 'letters', 'an empty text'],
    [() => checkEpisodes('g', -1), '`lastN`', '1 or more', '-1'],
    [() => checkEpisodes('g', 1.5), '`lastN`', 'a whole number', '1.5'],
    [() => checkEpisodes('g', '1' as never), '`lastN`', 'a whole number', 'a text'],
    [() => checkMessages('g/../h', [message] as never), '`groupId`', 'letters', '"g/../h"'],
    [() => add(), '`messages`', 'one message or more', 'a list of 0'],
    [() => add(undefined), '`messages.0`', 'an object', 'nothing'],
    [() => add(message, { role_type: 'user' }), '`messages.1.content`', 'a text', 'nothing'],
    [() => add({ ...message, role_type: 'robot' }), '`messages.0.role_type`', 'system', '5 char'],
    [() => add({ ...message, uuid: 'u-1' }), '`messages.0.uuid`', 'left out', '3 characters'],
    [() => add({ ...message, role: 7 }), '`messages.0.role`', 'a text or null', 'a number'],
    [() => add({ ...message, extra: {} }), '`messages.0.extra`', 'no such field', 'an object'],
    [() => checkMemory(undefined as never), '`input`', 'an object', 'nothing'],
    [() => ask({ group_id: 'a b' }), '`group_id`', 'letters', '"a b"'],
    [() => ask({ messages: [] }), '`messages`', 'one message or more', 'a list of 0'],
    [() => ask({ messages: [{ ...message, role: 1 }] }), '`messages.0.role`', 'null', 'a number'],
    [() => ask({ max_facts: 1.5 }), '`max_facts`', 'a whole number', '1.5'],
    [() => ask({ center_node_uuid: null }), '`center_node_uuid`', 'no such field', 'null'],
    [() => checkEntityEdge(undefined as never), '`uuid`', 'a uuid', 'nothing'],
    [() => checkEntityEdge('..'), '`uuid`', 'a uuid', 'a text of 2 characters'],
    [() => checkEntityEdge('\ud800'), '`uuid`', 'a uuid', 'a text of 1 characters'],
    [() => checkDeletion('deleteEpisode', '.', 'g'), '`uuid`', 'a uuid', '1 characters'],
    [() => checkDeletion('deleteEpisode', 'u', 'g h'), '`groupId`', 'letters', '"g h"'],
    [() => checkGroupDeletion('', ''), '`groupId`', 'letters', 'an empty text'],
    [() => checkGroupDeletion('g', 'h'), '`confirm`', 'id once more', 'a text of 1 characters'],
    [() => checkGroupDeletion('g', undefined as never), '`confirm`', 'once more', 'nothing'],
    [() => checkClear('yes'), '`confirm`', "'CLEAR ALL'", 'a text of 3 characters'],
    [() => checkDeadline('probe', 0), '`timeoutMs`', 'milliseconds above 0', '0'],
    [() => checkEntityNode({ uuid: 'u', group_id: 'g' } as never), '`name`', 'a text', 'nothing'],
    [
      () => checkEntityNode({ uuid: '', group_id: 'g', name: 'n' }),
      '`uuid`',
      'not empty',
      'an empty text',
    ],
  ])('%s %s', (check, field, expected, came) => {
    const error = thrownBy(check);
    expect(isFallbackError(error, 'FALLBACK_INVALID_INPUT')).toBe(true);
    const { message } = error as Error;
    expect(message).toContain(`Expected ${field} of `);
    expect(message).toContain(expected);
    expect(message.slice(message.lastIndexOf(', got '))).toContain(came);
  });
});

test.each(['yesterday', '2026-01-31', '2026-01-31T12:00:00', '2026-02-31T12:00:00Z'])(
  'a time without a zone, or of no day, is refused: %s',
  (timestamp) => {
    expect(() => add({ ...message, timestamp })).toThrow('ISO 8601 time with its zone');
  },
);

test.each(['2026-01-31T12:00:00Z', '2024-02-29T12:00:00.123456+02:00'])(
  'a time with its zone is taken: %s',
  (timestamp) => {
    expect(() => add({ ...message, timestamp })).not.toThrow();
  },
);

test('nothing of what was said is in an error', () => {
  for (const secret of ['secret-text', 4_111_111_111_111_111n, 4_111_111_111_111_111]) {
    for (const field of ['content', 'role_type', 'timestamp', 'uuid', 'unknown']) {
      const error = thrownBy(() => add({ ...message, [field]: [secret] }));
      expect(String(error)).not.toMatch(/secret-text|4111/);
    }
    const error = thrownBy(() => add({ ...message, role_type: secret }));
    expect(String(error)).not.toMatch(/secret-text|4111/);
  }
});

test('a message that memory is asked with may have a uuid: it is only looked at', () => {
  ask({ messages: [{ ...message, uuid: 'u', timestamp: '2026-01-31T12:00:00Z', role: null }] });
});

test('members that are undefined count as not given', () => {
  checkQuery({ query: 'q', group_ids: undefined, max_facts: undefined } as never);
  add({ ...message, role: undefined, name: undefined, timestamp: undefined, uuid: undefined });
});

function thrownBy(call: () => void): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('Expected it to throw');
}
