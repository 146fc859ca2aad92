import { defineConfig } from 'vitest/config';

// What needs more than Node: a browser, Debian's PostgreSQL, other users of this machine. One file at a time.
export default defineConfig({
  test: {
    include: ['test/system/**/*.test.ts'],
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
