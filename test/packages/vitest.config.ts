import { defineConfig } from 'vitest/config';

export default defineConfig({
  cacheDir: '../../node_modules/.vite/packages',
  test: {
    include: ['*.packages.ts'],
    globalSetup: './pack.setup.ts',
    disableConsoleIntercept: true, // an installation says at once that it has begun
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
});
