import { expect, test } from 'vitest';
import { CacheWriter } from './cache-writer.ts';
import { manualClock } from './manual-clock.test.support.ts';

function kit() {
  const clock = manualClock();
  const written: string[] = [];
  const writer = new CacheWriter(clock, (changes) => {
    const texts = changes.map((change) => `${change.key}=${'put' in change ? change.put : 'gone'}`);
    written.push(texts.join(' '));
  });
  return { clock, written, writer };
}

test('of the values that a key gets within half a second, the last is written', async () => {
  const { clock, written, writer } = kit();
  for (let value = 1; value <= 5; value += 1) writer.soon('a', value);
  writer.soon('b', 1);
  await clock.advance(400);
  expect(written).toEqual([]);
  writer.soon('a', 6);
  writer.soon('c', 1);
  await clock.advance(100);
  expect(written).toEqual(['a=6 b=1']);
  await clock.advance(10_000);
  expect(written).toEqual(['a=6 b=1', 'c=1']);
});

test('a key that gets values all the time is written all the same', async () => {
  const { clock, written, writer } = kit();
  for (let value = 1; value <= 40; value += 1) {
    writer.soon('a', value);
    await clock.advance(50);
  }
  expect(written).toEqual(['a=10', 'a=20', 'a=30', 'a=40']);
});

test('a deletion is written at once, and nothing that waited comes after it', async () => {
  const { clock, written, writer } = kit();
  writer.soon('a', 1);
  writer.delete('a');
  await clock.advance(2_000);
  expect(written).toEqual(['a=gone']);
});

test('a value that must not wait takes the place of the one that does', async () => {
  const { clock, written, writer } = kit();
  writer.soon('a', 'fresh');
  writer.now('a', 'expired');
  await clock.advance(2_000);
  expect(written).toEqual(['a=expired']);
});

test('what waits is written at the end, once', async () => {
  const { clock, written, writer } = kit();
  writer.soon('a', 1);
  writer.soon('b', 1);
  writer.flush();
  writer.flush();
  await clock.advance(2_000);
  expect(written).toEqual(['a=1 b=1']);
});
