import { expect, test } from 'vitest';
import { HttpError, testManager } from '../upstream.test.support.ts';

test('a head whose wait ends while the breaker is half-open is tried then, not at the next offer', async () => {
  const { clock, manager, upstream, put } = testManager({
    breaker: { failureThreshold: 1, successThreshold: 1, openFor: 100 },
    random: () => 0.9,
  });
  upstream.fail = () => new HttpError(503);
  await put({ id: 'a', value: '1' });
  expect(manager.active).toBe(true);
  // The live try failed at 0; its first replay is due within a second, the breaker is half-open before that.
  await clock.advance(200);
  expect(manager.status().breakers.items?.state).toBe('half_open');
  expect(upstream.received).toHaveLength(1);
  upstream.fail = undefined;
  await clock.advance(800);
  expect(upstream.applied).toEqual(['a=1']);
  expect(manager.active).toBe(false);
  await manager.close();
});
