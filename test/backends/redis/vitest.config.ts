import { defaultServerConditions } from 'vite';
import { defineProject } from 'vitest/config';

export default defineProject({
  ssr: {
    resolve: { conditions: ['@graphiti-fallback/source', ...defaultServerConditions] },
  },
  test: {
    name: 'redis',
    include: ['*.backends.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
