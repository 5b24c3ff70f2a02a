import { defineProject } from 'vitest/config';

export default defineProject({
  test: {
    name: 'prometheus-otlp',
    sequence: { groupOrder: 2 },
    include: ['*.backends.ts'],
    testTimeout: 60_000,
    hookTimeout: 240_000,
  },
});
