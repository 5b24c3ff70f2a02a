import { FallbackManager, findFallbackManager } from '@graphiti-fallback/core';
import { afterEach, expect, test } from 'vitest';
import { adoptOrCompose, getFallbackManager, withFallback } from './default-composition.ts';

const made: FallbackManager[] = [];
const keep = <T extends FallbackManager>(manager: T): T => {
  made.push(manager);
  return manager;
};

afterEach(async () => {
  for (const manager of made.splice(0)) await manager.close();
});

test('the default manager is made on first use, and is the same from then on', () => {
  const manager = keep(getFallbackManager());
  expect(manager.name).toBe('graphiti');
  expect(manager.configuredMode).toBe('queue_writes');
  expect(getFallbackManager('graphiti')).toBe(manager);
});

test('graphitiFallback() takes over what was made before it', () => {
  const manager = keep(getFallbackManager());
  expect(adoptOrCompose().manager).toBe(manager);
  expect(adoptOrCompose({}).manager).toBe(manager);
  expect(adoptOrCompose({ url: undefined } as object).manager).toBe(manager);
});

test('options come too late once the manager is made', () => {
  keep(getFallbackManager());
  const late = { mode: 'read_only', recoveryRamp: 0 } as const;
  expect(() => adoptOrCompose(late)).toThrow(
    /graphitiFallback\(options\) to be called before getFallbackManager\(\).*`mode`, `recoveryRamp`/,
  );
  expect(() => adoptOrCompose({ ulr: 'x' } as object)).toThrow(/Unknown option `ulr`/);
  expect(() => adoptOrCompose([] as object)).toThrow(/to be an object/);
});

test('a manager of another name is not in its way', () => {
  keep(getFallbackManager());
  const { manager } = adoptOrCompose({ name: 'second', logger: false });
  expect(getFallbackManager('second')).toBe(keep(manager));
});

test('what graphitiFallback(options) made is found', () => {
  const { manager } = adoptOrCompose({ mode: 'read_only', logger: false });
  expect(getFallbackManager()).toBe(keep(manager));
});

test('a closed one is made anew', async () => {
  const manager = getFallbackManager();
  await manager.close();
  const next = keep(adoptOrCompose({ logger: false }).manager);
  expect(next).not.toBe(manager);
  expect(getFallbackManager()).toBe(next);
});

test('a wrapped function belongs to what graphitiFallback(options) makes after it', async () => {
  const get = withFallback(async () => 1, { kind: 'read', name: 'one.early' });
  const { manager } = adoptOrCompose({ mode: 'read_only', logger: false });
  keep(manager);
  keep(new FallbackManager({ name: 'weather', logger: false }));
  expect(await get()).toBe(1);
  expect(manager.status().operations.live).toBe(1);
});

test('a wrapped function has the default manager made at its first call, not before', async () => {
  const get = withFallback(async () => 1, { kind: 'read', name: 'one.late' });
  expect(findFallbackManager('graphiti')).toBeUndefined();
  expect(await get()).toBe(1);
  expect(keep(getFallbackManager()).status().operations.live).toBe(1);
});

test('an unknown name throws, naming what there is', () => {
  keep(new FallbackManager({ name: 'weather', logger: false }));
  expect(() => getFallbackManager('whether')).toThrow(/'whether'.*'weather'/);
});
