import { expect, test } from 'vitest';
import { conversations } from './conversation.ts';

test('every message is there once, or the verdict could not tell copies apart', () => {
  const contents = conversations.flatMap(({ lines }) => lines.map(({ content }) => content));
  expect(new Set(contents).size).toBe(contents.length);
  expect(contents.length).toBeGreaterThanOrEqual(300);
});

test('every conversation has a group of its own that Graphiti takes, and something to look up', () => {
  const groups = conversations.map(({ group }) => group);
  expect(new Set(groups).size).toBe(conversations.length);
  for (const { group, queries } of conversations) {
    expect(group).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(queries.length).toBeGreaterThan(1);
  }
});

test('a line is its speaker and all that is said, colons included', () => {
  const line = conversations[0]?.lines[2];
  expect(line).toEqual({
    role: 'ai',
    role_type: 'assistant',
    content: 'Noted: Lisbon in May, four people, six days, and Ben eats vegetarian.',
  });
});
