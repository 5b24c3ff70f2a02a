import { defaultServerConditions } from 'vite';
import { defineProject } from 'vitest/config';

export default defineProject({
  ssr: {
    resolve: { conditions: ['@graphiti-fallback/source', ...defaultServerConditions] },
  },
  test: {
    name: 'redis',
    include: ['*.backends.ts'],
    // They wait for servers and leases most of the time: what each needs of both it has for itself.
    maxWorkers: 3,
    maxConcurrency: 3,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
