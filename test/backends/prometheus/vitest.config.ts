import { defineProject } from 'vitest/config';

export default defineProject({
  test: {
    name: 'prometheus',
    sequence: { groupOrder: 1 }, // after the others: each wants the machine to itself
    include: ['*.backends.ts'],
    testTimeout: 60_000,
    hookTimeout: 240_000,
  },
});
