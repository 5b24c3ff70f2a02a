import { expect, test } from 'vitest';
import type { SharedOutage } from '../council/shared-fleet.ts';
import { Emitter, type FallbackEvents } from '../events.ts';
import { manualClock } from '../manual-clock.test.support.ts';
import { Breaker } from './breaker.ts';
import { settings } from './breaker-options.ts';

const theirs: SharedOutage = { id: 'theirs', since: 5, trigger: 'calls', reason: '503' };

/** A breaker whose outages others may know. */
function kit() {
  const clock = manualClock();
  const events = new Emitter<FallbackEvents>();
  const told: string[] = [];
  events.on('stateChange', ({ from, to, reason }) => told.push(`${from} > ${to}: ${reason}`));
  events.on('activated', ({ outage, joined }) =>
    told.push(`activated ${outage}${joined ? ' of others' : ''}`),
  );
  events.on('deactivated', ({ outage }) => told.push(`deactivated ${outage}`));
  const others = {
    mayTry: true,
    name: (_known: SharedOutage | undefined) => {},
  };
  const council = {
    mayTry: () => others.mayTry,
    named: () =>
      new Promise<SharedOutage | undefined>((resolve) => {
        others.name = resolve;
      }),
  };
  const source = settings({ failureThreshold: 1, successThreshold: 1, openFor: 1_000 });
  const around = { name: 'test', mode: 'queue_writes', clock, random: () => 0.5, events } as const;
  const breaker = new Breaker(source, { ...around, council });
  return { breaker, clock, told, others };
}

const later = () => new Promise((resolve) => setImmediate(resolve));

test('opens at once, and tells of it when it is known whose outage it is', async () => {
  const { breaker, told, others } = kit();
  breaker.admit('call')?.fail('503');
  expect(breaker.state.kind).toBe('open');
  expect(told).toEqual([]);
  others.name(theirs);
  await later();
  expect(told).toEqual(['activated theirs of others', 'closed > open: 503']);
  expect(breaker.outage?.id).toBe('theirs');
});

test('without an answer the outage is its own', async () => {
  const { breaker, told, others } = kit();
  breaker.admit('call')?.fail('503');
  const { id } = breaker.outage ?? {};
  others.name(undefined);
  await later();
  expect(told).toEqual([`activated ${id}`, 'closed > open: 503']);
});

test('an outage that is over before its name is known is told whole, in order', async () => {
  const { breaker, told, others } = kit();
  breaker.admit('call')?.fail('503');
  breaker.reset();
  expect(breaker.outage).toBeUndefined();
  others.name(theirs);
  await later();
  expect(told).toEqual([
    'activated theirs of others',
    'closed > open: 503',
    'open > closed: reset',
    'deactivated theirs',
  ]);
});

test('opens and closes with others, in their outage', () => {
  const { breaker, told } = kit();
  breaker.follow(theirs);
  expect(breaker.status()).toMatchObject({ state: 'open', outage: { id: 'theirs', since: 5 } });
  breaker.recoverWithOthers();
  expect(told).toEqual([
    'activated theirs of others',
    'closed > open: fleet',
    'open > closed: fleet',
    'deactivated theirs',
  ]);
});

test('leaves it to another one to try, until it is its turn', async () => {
  const { breaker, clock, others } = kit();
  others.mayTry = false;
  breaker.follow(theirs);
  await clock.advance(10_000);
  expect(breaker.state.kind).toBe('open');
  expect(breaker.admit('call')).toBeUndefined();
  expect(breaker.retryAfterMs).toBe(1_000);
  others.mayTry = true;
  breaker.takeTurn();
  expect(breaker.state.kind).toBe('half_open');
  others.mayTry = false;
  breaker.takeTurn();
  expect(breaker.state.kind).toBe('open');
});

test('a person’s isolation stands, whatever the others find', () => {
  const { breaker } = kit();
  breaker.isolate('read_only', 'maintenance');
  breaker.follow(theirs);
  breaker.takeTurn();
  breaker.recoverWithOthers();
  expect(breaker.state.kind).toBe('isolated');
});
