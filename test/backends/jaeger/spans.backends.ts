import { expect, inject, test } from 'vitest';
import { linked, lostAtTheKill, print, spanAt, spans } from './demo-spans.ts';
import { breachesOf } from './span-check.ts';

test('no span bears a warning, and but for what the kill took none is an orphan or links to nothing', () => {
  expect(spans.length).toBeGreaterThan(1_000);
  const warned = spans.flatMap(({ name, warnings }) => warnings.map((each) => `${name}: ${each}`));
  expect(warned).toEqual([]);
  const orphans = spans.filter(
    ({ traceId, parentId }) => parentId !== undefined && !spanAt({ traceId, spanId: parentId }),
  );
  const dangling = spans.filter(({ links }) => !links.every(spanAt));
  // What was sent right before the kill is replayed by the next process; its `send` was not exported.
  for (const { name } of dangling) expect(name).toBe('process graphiti');
  expect(orphans.length + dangling.length).toBeLessThanOrEqual(lostAtTheKill);
  // There is one kill: what it took began in one short time.
  const began = [
    ...orphans.map(({ start }) => start),
    ...dangling.map(
      ({ start, tags }) => start - Number(tags['graphiti_fallback.queue.wait']) * 1e6,
    ),
  ];
  if (began.length > 0) expect(Math.max(...began) - Math.min(...began)).toBeLessThan(3e6);
});

test('names and attributes are those of the contract', () => {
  expect([...new Set(spans.flatMap(breachesOf))]).toEqual([]);
});

test('every stale answer has its read, and the link of the demo leads to one', async () => {
  const stale = spans.filter(({ tags }) => tags['graphiti_fallback.outcome'] === 'stale');
  expect(stale.length).toBeGreaterThanOrEqual(inject('demo').report.stale - lostAtTheKill);
  const [read, ...others] = await linked('a stale read');
  expect(others).toEqual([]);
  expect(read?.spans.map(({ tags }) => tags['graphiti_fallback.outcome'])).toContain('stale');
  print('A stale read', read);
});

test('the status is asked for all the time, and is in no trace', () => {
  const asked = spans.filter(({ tags }) => /health\/fallback/.test(String(tags['url.path'])));
  expect(asked).toEqual([]);
});
