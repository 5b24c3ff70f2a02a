import { expect, test } from 'vitest';
import { testManager } from './upstream.test.support.ts';

test.each([
  [{ timeout: 5 }, 'Unknown option `timeout`'],
  [{ signal: new AbortController() }, 'to be an AbortSignal'],
  [3, 'to be an object, got 3'],
  [null, 'to be an object, got null'],
])(
  'a slip in what a call is told is told at once, and nothing is sent: %o',
  async (options, says) => {
    const { get, put, upstream, manager } = testManager();
    const calls = [get('a', options as object), put({ id: 'a', value: '1' }, options as object)];
    for (const call of calls)
      await expect(call).rejects.toMatchObject({
        code: 'FALLBACK_INVALID_INPUT',
        message: expect.stringContaining(says),
      });
    expect(upstream.received).toEqual([]);
    expect(manager.breaker().status()).toMatchObject({ state: 'closed' });
  },
);

test('several writes are a list', async () => {
  const { put } = testManager();
  for (const inputs of [undefined, 'ab', new Set()])
    await expect(put.all(inputs as unknown as [])).rejects.toMatchObject({
      code: 'FALLBACK_INVALID_INPUT',
      message: expect.stringContaining('a list of one input or more'),
    });
});
