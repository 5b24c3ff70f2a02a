import { afterEach, expect, test } from 'vitest';
import { FallbackManager } from '../manager.ts';
import { manualClock } from '../manual-clock.test.support.ts';
import { memoryJournal } from '../memory-journal.ts';
import type {
  Attendance,
  BreakerView,
  FleetView,
  SharedFleet,
  SharedOutage,
} from './shared-fleet.ts';

const managers: FallbackManager[] = [];
afterEach(async () => {
  await Promise.all(managers.splice(0).map((manager) => manager.close()));
});

/** What others say, as a test has it. */
class Others implements SharedFleet {
  available = true;
  view: BreakerView = { probes: false, ended: [], throttles: 0, pausedForMs: 0 };
  readonly reported: SharedOutage[] = [];
  attended: readonly Attendance[] = [];
  readonly ended: string[] = [];
  async open(): Promise<void> {}
  async attend(breakers: readonly Attendance[]): Promise<FleetView> {
    this.attended = breakers;
    return { instances: 3, breakers: breakers.map(() => this.view) };
  }
  async report(_breaker: string, outage: SharedOutage): Promise<SharedOutage> {
    this.reported.push(outage);
    return outage;
  }
  async end(_breaker: string, outage: string): Promise<boolean> {
    this.ended.push(outage);
    return true;
  }
  async throttled(): Promise<number> {
    return 0;
  }
  async close(): Promise<void> {}
}

async function instance(journal = memoryJournal()) {
  const others = new Others();
  const clock = manualClock();
  const manager = new FallbackManager({
    name: 'm',
    application: 'a',
    logger: false,
    clock,
    health: { interval: 0 },
    retry: { retries: 0 },
    breaker: { failureThreshold: 1, successThreshold: 1, openFor: 600_000 },
    store: { ...journal, fleet: others },
  });
  managers.push(manager);
  const told: string[] = [];
  manager.on('activated', ({ outage }) => told.push(`activated ${outage}`));
  manager.on('deactivated', ({ outage }) => told.push(`deactivated ${outage}`));
  const get = manager.read('get', {
    run: async (_id: string) => {
      throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' });
    },
  });
  const save = manager.write('save', {
    run: async (_id: string) => {
      throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' });
    },
    idempotent: true,
  });
  await manager.open();
  const fail = async () => {
    await get('x').catch(() => {});
    await clock.advance(100);
  };
  const view = async (more: Partial<BreakerView>) => {
    others.view = { probes: false, ended: [], throttles: 0, pausedForMs: 0, ...more };
    await clock.advance(2_000);
  };
  return { others, clock, manager, save, told, fail, view };
}

test('an outage that is not known any more is not over, and is told of again', async () => {
  const { others, manager, told, fail, view } = await instance();
  await fail();
  const [outage] = others.reported;
  if (!outage) throw new Error('It was not told of');
  await view({ outage });
  others.reported.splice(0);
  await view({});
  expect(manager.status().active).toBe(true);
  expect(others.reported.at(0)?.id).toBe(outage.id);
  expect(told).toEqual([`activated ${outage.id}`]);
  await view({ ended: ['another', outage.id] });
  expect(manager.status().active).toBe(false);
  expect(told).toEqual([`activated ${outage.id}`, `deactivated ${outage.id}`]);
});

test('an outage that is over does not begin again where the view goes on with an older copy', async () => {
  const { clock, manager, told, view } = await instance();
  const outage: SharedOutage = {
    id: 'theirs',
    since: clock.now(),
    trigger: 'calls',
    reason: '503',
  };
  await view({ outage });
  expect(manager.status().active).toBe(true);
  await view({ ended: ['theirs'] });
  await view({ outage });
  expect(manager.status().active).toBe(false);
  expect(told).toEqual(['activated theirs', 'deactivated theirs']);
});

test('an outage that was found while nobody could be asked is told of when they are back', async () => {
  const { others, clock, manager, fail } = await instance();
  others.available = false;
  await clock.advance(1_000);
  await fail();
  expect(others.reported).toEqual([]);
  others.available = true;
  await clock.advance(2_000);
  const { outage } = Object.values(manager.status().breakers)[0] ?? {};
  expect(others.reported[0]).toMatchObject({ id: outage?.id, since: outage?.since });
});

test('one that comes back to a view where its outage is over closes', async () => {
  const { others, clock, manager, fail, view } = await instance();
  await fail();
  const [outage] = others.reported;
  if (!outage) throw new Error('It was not told of');
  await view({ outage });
  others.available = false;
  await clock.advance(2_000);
  others.available = true;
  await view({ ended: [outage.id] });
  expect(manager.status().active).toBe(false);
});

test('a person’s activation is told to nobody', async () => {
  const { others, clock, manager } = await instance();
  await manager.activate();
  await clock.advance(3_000);
  expect(others.reported).toEqual([]);
});

test('one that starts with writes to replay is no witness of an outage before it has tried', async () => {
  const journal = memoryJournal();
  const before = await instance(journal);
  await before.manager.activate();
  await before.save('x');
  await before.manager.deactivate();
  await Promise.all(managers.splice(0).map((manager) => manager.close()));
  await journal.commit([{ bucket: 'state', key: 'breaker:m', delete: true }]);
  const { others, clock, manager } = await instance(journal);
  expect(manager.status().breakers.m).toMatchObject({ state: 'half_open' });
  expect(others.attended).toMatchObject([{ state: 'up' }]);
  await clock.advance(3_000);
  expect(others.attended).not.toMatchObject([{ state: 'up' }]);
});
