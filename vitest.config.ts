import { defineConfig } from 'vitest/config';
import type { InlineConfig } from 'vitest/node';

/** What every test is compiled with, and what it finds around it. */
export const common: InlineConfig = {
  pool: 'forks',
  globalSetup: ['test/harness/global-setup.ts'],
  // Of what others do in their own time (a job, a mail, another instance); a second, the default, was a claim about time.
  expect: { poll: { timeout: 45_000, interval: 20 } },
};
export const compiler = { decorator: { legacy: true, emitDecoratorMetadata: true } };

// The application in the test's own process, on a real database.
export default defineConfig({
  test: {
    ...common,
    include: ['src/**/*.spec.ts', 'config/**/*.spec.ts', 'test/**/*.test.ts'],
    exclude: ['test/system/**', 'node_modules', 'dist'],
    // One worker keeps its modules: 20 files with their own app and database took 5.4 s, 32.7 s with isolation.
    isolate: false,
    // A worker waits for the database, or for time, three quarters of its life: on 2 cores 4 take 199 s, and 2 took 441 s.
    maxWorkers: 4,
    // Ends what hangs, and nothing else: on a busy machine 10 s become 40.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
  oxc: compiler,
});
