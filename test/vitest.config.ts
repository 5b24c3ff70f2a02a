import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  ssr: {
    resolve: { conditions: ['@graphiti-fallback/source', ...defaultServerConditions] },
  },
  test: {
    include: ['**/*.test.ts'],
  },
});
