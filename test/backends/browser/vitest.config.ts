import { defineProject } from 'vitest/config';

export default defineProject({
  test: {
    name: 'browser',
    sequence: { groupOrder: 3 }, // after the others: each wants the machine to itself
    include: ['*.backends.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
