import { expect, test } from 'vitest';
import { rank } from './ranking.ts';

function ranked(query: string, ...facts: string[]): string[] {
  const documents = facts.map((fact) => ({ fact }));
  return rank(query, documents).map(({ fact }) => fact);
}

test('a rare word counts for more than a common one', () => {
  const facts = ['tea pot', 'tea cup', 'tea bag', 'zebra tea'];
  expect(ranked('zebra pot', ...facts)).toEqual(['tea pot', 'zebra tea']);
  expect(ranked('tea zebra', 'tea tea', 'zebra pot', 'tea cup', 'tea bag')[0]).toBe('zebra pot');
});

test('a short fact comes before a long one with the same words', () => {
  expect(ranked('tea', 'tea and cake and jam and butter', 'green tea')).toEqual([
    'green tea',
    'tea and cake and jam and butter',
  ]);
});

test('equals stay in the order they came in', () => {
  expect(ranked('tea', 'red tea', 'blue tea', 'black tea')).toEqual([
    'red tea',
    'blue tea',
    'black tea',
  ]);
});

test('case and punctuation do not matter, and letters of any language are words', () => {
  expect(ranked('ÖSTERSUND?', 'She lives in Östersund.', 'He lives in Oslo.')).toEqual([
    'She lives in Östersund.',
  ]);
});

test('a query of nothing but stop words finds nothing', () => {
  expect(ranked('what is the', 'what is the time')).toEqual([]);
  expect(ranked('', 'anything')).toEqual([]);
});
