import { expect, onTestFinished, test } from 'vitest';
import { circuitBreaker, getCircuitBreaker } from './default-breaker.ts';
import { getFallbackManager } from './default-composition.ts';

test('a guarded function makes the default manager when it is first called, and goes through its breaker', async () => {
  const guarded = circuitBreaker('jobs')(async (name: string) => `did ${name}`);
  expect(await guarded('one')).toBe('did one');
  const manager = getFallbackManager();
  onTestFinished(() => manager.close());
  expect(manager.breaker('jobs').status().calls.success).toBe(1);
  expect(getCircuitBreaker('jobs', { failureThreshold: 9 })).toBe(manager.breaker('jobs'));
  expect(getCircuitBreaker().name).toBe('graphiti');
});
