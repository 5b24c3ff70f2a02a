import { defineConfig } from 'vitest/config';

export default defineConfig({
  cacheDir: '../../node_modules/.vite/backends',
  test: {
    projects: ['*/vitest.config.ts'],
    disableConsoleIntercept: true, // traces are printed as they are
  },
});
