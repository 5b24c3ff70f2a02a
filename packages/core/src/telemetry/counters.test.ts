import { expect, test } from 'vitest';
import { Emitter, type FallbackEvents } from '../events.ts';
import { Counters } from './counters.ts';

test('an outage that a restart resumes in a mode set by hand has its series from the start', () => {
  const events = new Emitter<FallbackEvents>();
  const counters = new Counters('items', 'queue_writes', events);
  counters.declareBreaker('items');
  const declared = [...counters.series('activations')].length;
  events.emit('activated', {
    breaker: 'items',
    mode: 'read_only',
    trigger: 'calls',
    reason: '503',
    outage: 'id',
    since: 0,
  });
  expect([...counters.series('activations')]).toHaveLength(declared);
  expect(counters.total('activations', 1, 'read_only')).toBe(1);
});
