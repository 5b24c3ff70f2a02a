import { defineProject } from 'vitest/config';

export default defineProject({
  test: {
    name: 'jaeger',
    include: ['*.backends.ts'],
    globalSetup: './demo.setup.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
