import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { GroupCommit, type GroupOptions } from './group-commit.ts';

const one: GroupOptions<string> = { weigh: () => 1, most: 100, keeps: () => false };

/** A group whose writes end when the test says so. */
function controlled(options = one) {
  const batches: { items: readonly string[]; end: (error?: Error) => void }[] = [];
  const group = new GroupCommit<string>(
    (items) =>
      new Promise((resolve, reject) => {
        batches.push({ items, end: (error) => (error ? reject(error) : resolve()) });
      }),
    options,
  );
  const batch = async (number: number) => {
    await expect.poll(() => batches.length, { interval: 1 }).toBe(number);
    return batches[number - 1] as (typeof batches)[number];
  };
  return { group, batch, batches };
}

test('who comes during a write joins the next, and there is one write for them all', async () => {
  const { group, batch, batches } = controlled();
  const first = group.join('a');
  const one = await batch(1);
  const rest = [group.join('b'), group.join('c')];
  expect(group.waiting).toEqual(['b', 'c']);
  one.end();
  await first;
  const two = await batch(2);
  expect(two.items).toEqual(['b', 'c']);
  two.end();
  await Promise.all(rest);
  expect(batches.length).toBe(2);
});

test('those of one tick share a batch', async () => {
  const { group, batch } = controlled();
  const all = ['a', 'b', 'c'].map((item) => group.join(item));
  const { items, end } = await batch(1);
  expect(items).toEqual(['a', 'b', 'c']);
  end();
  await Promise.all(all);
});

test('a failed write is the failure of its batch, and of no other', async () => {
  const { group, batch } = controlled();
  const failing = [group.join('a'), group.join('b')];
  const one = await batch(1);
  const later = group.join('c');
  one.end(new Error('disk'));
  for (const each of failing) await expect(each).rejects.toThrow('disk');
  (await batch(2)).end();
  await later;
});

test('riders keep their place, and cause no write', async () => {
  const { group, batch, batches } = controlled();
  group.ride('r0');
  expect(batches.length).toBe(0);
  const first = group.join('a');
  const one = await batch(1);
  expect(one.items).toEqual(['r0', 'a']);
  group.ride('r1');
  const second = group.join('b');
  group.ride('r2');
  one.end();
  const two = await batch(2);
  expect(two.items).toEqual(['r1', 'b', 'r2']);
  group.ride('r3');
  two.end();
  await Promise.all([first, second, group.idle()]);
  expect(batches.length).toBe(2);
  expect(group.waiting).toEqual(['r3']);
});

test('riders of a failed write come again, before all that came later', async () => {
  const { group, batch } = controlled();
  group.ride('r1');
  const failing = group.join('a');
  const one = await batch(1);
  group.ride('r2');
  one.end(new Error('disk'));
  await expect(failing).rejects.toThrow('disk');
  const flushed = group.flush();
  const two = await batch(2);
  expect(two.items).toEqual(['r1', 'r2']);
  two.end();
  await flushed;
  expect(group.unwritten).toBe(false);
});

test('what is kept after a failure says so, and comes again in its place', async () => {
  const { group, batch } = controlled({ ...one, keeps: () => true });
  const failing = [group.join('a'), group.join('b')];
  const first = await batch(1);
  const later = group.join('c');
  first.end(new Error('disk'));
  expect(await Promise.all(failing)).toEqual([false, false]);
  const two = await batch(2);
  expect(two.items).toEqual(['a', 'b', 'c']);
  two.end();
  expect(await later).toBe(true);
});

test('a batch takes no more than its limit, but for one item that is larger', async () => {
  const weigh = (item: string) => item.length;
  const { group, batch } = controlled({ ...one, weigh, most: 4 });
  const all = ['aa', 'bb', 'c', 'too large', 'd'].map((item) => group.join(item));
  expect(group.weight).toBe(15);
  for (const [number, items] of [['aa', 'bb'], ['c'], ['too large'], ['d']].entries()) {
    const { items: found, end } = await batch(number + 1);
    expect(found).toEqual(items);
    end();
  }
  await Promise.all(all);
  expect(group.weight).toBe(0);
});

test('a flush with nothing there is an empty write', async () => {
  const { group, batch } = controlled();
  const flushed = group.flush();
  const { items, end } = await batch(1);
  expect(items).toEqual([]);
  end();
  await flushed;
});

test('idle waits for those who joined during the last write too', async () => {
  const { group, batch } = controlled();
  const joined = [group.join('a')];
  const one = await batch(1);
  joined.push(group.join('b'));
  let idle = false;
  const waiting = group.idle().then(() => {
    idle = true;
  });
  one.end();
  const two = await batch(2);
  expect(idle).toBe(false);
  two.end();
  await Promise.all([...joined, waiting]);
});

test('a write runs in no request’s context', async () => {
  const request = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const group = new GroupCommit(async () => void seen.push(request.getStore()), one);
  await request.run('a', async () => {
    await group.join('item');
    expect(request.getStore()).toBe('a');
  });
  expect(seen).toEqual([undefined]);
});
