import { expect, test } from 'vitest';
import { metricsOf } from './promql.ts';

test('metrics are found with the labels that select them, and those they are summed up by', () => {
  const query =
    'sum by (a) (rate(m_total{b="1", c=~"x|y"}[5m])) / on (d) group_left n or vector(0)';
  expect(metricsOf(query)).toMatchObject([
    { metric: 'm_total', labels: new Set(['b', 'c', 'a']) },
    { metric: 'n', labels: new Set() },
  ]);
});

test('what is summed up inside belongs to the outer ones, too', () => {
  expect(metricsOf('max by (a) (sum by (a, b) (m))')).toMatchObject([
    { metric: 'm', labels: new Set(['a', 'b']) },
  ]);
});

test('what is no query is an error', () => {
  expect(() => metricsOf('sum by (a) rate(')).toThrow(SyntaxError);
});
