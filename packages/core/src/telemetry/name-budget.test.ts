import { expect, test, vi } from 'vitest';
import { attribute } from './contract.ts';
import { SeriesBudget } from './name-budget.ts';

test('a metric has 1,500 series at most: the names of the others are counted together, and it is said once', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
  const budget = new SeriesBudget();
  const keys = [attribute.name, attribute.operationName, attribute.outcome];
  const carried = new Set<string>();
  for (let manager = 0; manager < 40; manager += 1)
    for (let operation = 0; operation < 40; operation += 1)
      for (const outcome of ['live', 'failure'])
        carried.add(
          budget.of('operations', keys, [`m${manager}`, `o${operation}`, outcome]).join(),
        );
  expect(carried.size).toBe(1_502);
  expect(carried).toContain('_other,_other,live');
  // Those that were there go on as they are, and other metrics have series of their own.
  expect(budget.of('operations', keys, ['m0', 'o0', 'live'])).toEqual(['m0', 'o0', 'live']);
  expect(budget.of('attempts', keys, ['m39', 'o39', 'live'])).toEqual(['m39', 'o39', 'live']);
  expect(warn).toHaveBeenCalledOnce();
  warn.mockRestore();
});
