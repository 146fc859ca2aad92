import { defineConfig } from 'vitest/config';

// What needs more than Node: a browser, Debian's PostgreSQL, other users of this machine. All files at once: one after
// another, two of the three leave a core idle.
export default defineConfig({
  test: {
    include: ['test/system/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
