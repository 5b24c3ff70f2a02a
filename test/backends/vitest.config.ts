import { defineConfig } from 'vitest/config';

export default defineConfig({
  cacheDir: '../../node_modules/.vite/backends',
  test: {
    include: ['*.backends.ts'],
    disableConsoleIntercept: true, // the traces are printed as they are
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 180_000,
  },
});
