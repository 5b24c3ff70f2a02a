import { expect, test } from 'vitest';
import { LaneOrder } from './lane-order.ts';

/** A decision that is taken when the test says so. */
function decision() {
  let decide = () => {};
  const taken = new Promise<void>((resolve) => {
    decide = resolve;
  });
  return { decide, taken };
}

test('who came first to a lane goes first, however long it takes to find out where to', async () => {
  const order = new LaneOrder();
  const slow = decision();
  const went: string[] = [];
  const go = (name: string) => async () => void went.push(name);
  const first = order.run(['a'], async () => {
    await slow.taken;
    return go('first');
  });
  const second = order.run(['b', 'a'], async () => go('second'));
  await order.run(['c'], async () => go('elsewhere'));
  expect(went).toEqual(['elsewhere']);
  slow.decide();
  await Promise.all([first, second]);
  expect(went).toEqual(['elsewhere', 'first', 'second']);
});

test('who comes next waits for the decision, not for what follows from it', async () => {
  const order = new LaneOrder();
  const endless = order.run(['a'], async () => () => new Promise<never>(() => {}));
  await expect(order.run(['a'], async () => async () => 'next')).resolves.toBe('next');
  await expect(Promise.race([endless, 'still under way'])).resolves.toBe('still under way');
});

test('a decision that fails holds up nobody', async () => {
  const order = new LaneOrder();
  const failed = order.run(['a'], () => Promise.reject(new Error('no')));
  const next = order.run(['a'], async () => async () => 'next');
  await expect(failed).rejects.toThrow('no');
  await expect(next).resolves.toBe('next');
});
