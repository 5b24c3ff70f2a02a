import { expect, test } from 'vitest';
import type { Change, Journal } from '../journal.ts';
import { settled } from '../manual-clock.test.support.ts';
import { memoryJournal } from '../memory-journal.ts';
import { HttpError, refused, testManager } from '../upstream.test.support.ts';

/** A journal whose next commits wait for a sign, and may fail then. */
function heldJournal() {
  const base = memoryJournal();
  const held: { go: () => void; fail: () => void }[] = [];
  let holding = false;
  const journal: Journal = {
    ...base,
    async commit(changes: readonly Change[], options) {
      if (holding && !options?.lazy)
        await new Promise<void>((go, failed) => {
          held.push({ go, fail: () => failed(new Error('disk')) });
        });
      return base.commit(changes, options);
    },
  };
  return { journal, held, hold: (on: boolean) => (holding = on) };
}

/** A write that hangs upstream until it is let go, and holds its lane meanwhile. */
function hungWrite(kit: ReturnType<typeof testManager>) {
  const gate = { go: () => {}, fail: (_error: unknown) => {} };
  kit.upstream.gate = (name) =>
    name === 'put a=H'
      ? new Promise((resolve, reject) => {
          gate.go = resolve;
          gate.fail = reject;
        })
      : undefined;
  const result = kit.put({ id: 'a', value: 'H' }, { timeoutMs: 60_000 });
  return { gate, result };
}

test('who comes while waiting writes are being stored keeps its place when that fails', async () => {
  const store = heldJournal();
  const kit = testManager({ store: store.journal });
  const { gate, result } = hungWrite(kit);
  await settled();
  const impatient = kit.put({ id: 'a', value: 'W1' }, { timeoutMs: 100 });
  const patient = kit.put({ id: 'a', value: 'W2' }, { timeoutMs: 30_000 });
  for (const each of [impatient, patient]) each.catch(() => {});
  store.hold(true);
  await kit.clock.advance(100);
  const later = kit.put({ id: 'a', value: 'X' }, { timeoutMs: 30_000 });
  await settled();
  store.hold(false);
  store.held[0]?.fail();
  await expect(impatient).rejects.toMatchObject({ code: 'FALLBACK_STORE_FAILED' });
  gate.go();
  await result;
  await Promise.all([patient, later]);
  await kit.clock.advance(60_000);
  expect(kit.upstream.applied).toEqual(['a=H', 'a=W2', 'a=X']);
});

test('a write that failed stays ahead of who came while it was being stored', async () => {
  const store = heldJournal();
  const kit = testManager({ store: store.journal });
  const { gate, result } = hungWrite(kit);
  await settled();
  const impatient = kit.put({ id: 'a', value: 'W' }, { timeoutMs: 100 });
  impatient.catch(() => {});
  store.hold(true);
  await kit.clock.advance(100);
  const later = kit.put({ id: 'a', value: 'X' }, { timeoutMs: 30_000 });
  gate.fail(refused());
  await settled();
  store.hold(false);
  store.held[0]?.fail();
  kit.upstream.gate = undefined;
  await Promise.all([result, later]);
  await kit.clock.advance(60_000);
  expect(kit.upstream.applied).toEqual(['a=H', 'a=X']);
});

test('several writes of one call let nobody in between', async () => {
  const kit = testManager();
  const all = kit.put.all([
    { id: 'a', value: '1' },
    { id: 'a', value: '2' },
  ]);
  const other = kit.put({ id: 'a', value: 'x' });
  await Promise.all([all, other]);
  expect(kit.upstream.applied).toEqual(['a=1', 'a=2', 'a=x']);
});

test('what follows one that is rejected is not sent', async () => {
  const kit = testManager();
  kit.upstream.fail = (name) => (name === 'put a=1' ? new HttpError(422) : undefined);
  const all = kit.put.all([
    { id: 'a', value: '1' },
    { id: 'a', value: '2' },
  ]);
  await expect(all).rejects.toMatchObject({ status: 422 });
  await kit.put({ id: 'a', value: '3' });
  expect(kit.upstream.applied).toEqual(['a=3']);
});

test('who cannot be queued behind a failed write is told at once', async () => {
  const kit = testManager({ queue: { maxEntries: 1 } });
  kit.upstream.fail = refused;
  const first = kit.put({ id: 'a', value: '1' });
  const second = kit.put({ id: 'a', value: '2' });
  expect(await first).toMatchObject({ outcome: 'queued' });
  await expect(second).rejects.toMatchObject({ code: 'FALLBACK_QUEUE_FULL' });
});

test('a caller that gives up while it waits is queued', async () => {
  const kit = testManager();
  const { gate, result } = hungWrite(kit);
  await settled();
  const caller = new AbortController();
  const waiting = kit.put({ id: 'a', value: 'W' }, { signal: caller.signal });
  await settled();
  caller.abort();
  expect(await waiting).toMatchObject({ outcome: 'queued' });
  gate.go();
  await result;
  await kit.clock.advance(1_000);
  expect(kit.upstream.applied).toEqual(['a=H', 'a=W']);
});

test('one that was told too late holds no lane when its turn comes after all', async () => {
  const store = heldJournal();
  const kit = testManager({ store: store.journal });
  const { gate, result } = hungWrite(kit);
  await settled();
  const impatient = kit.put({ id: 'a', value: 'W' }, { timeoutMs: 100 });
  impatient.catch(() => {});
  store.hold(true);
  await kit.clock.advance(100);
  const late = kit.put({ id: 'a', value: 'X' }, { timeoutMs: 100 });
  late.catch(() => {});
  await kit.clock.advance(200);
  await expect(late).rejects.toMatchObject({ code: 'FALLBACK_UNKNOWN_OUTCOME' });
  gate.go();
  store.hold(false);
  store.held[0]?.fail();
  await result;
  await settled();
  expect(await kit.put({ id: 'a', value: 'Y' })).toMatchObject({ outcome: 'applied' });
  expect(kit.upstream.applied).toEqual(['a=H', 'a=Y']);
});
