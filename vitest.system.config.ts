import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { common, compiler } from './vitest.config.js';

/** The file that runs the whole suite takes longer than all others together, and begins at once. */
class SuiteFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSuite = ({ moduleId }: TestSpecification): number => Number(moduleId.endsWith('/postgres15.test.ts'));
    return (await super.sort(files)).sort((one, other) => isSuite(other) - isSuite(one));
  }
}

// What starts other processes than its own: servers that are killed, the embedded PostgreSQL and Debian's, a browser,
// npm as another user of this machine; and 10,000 requests on a connection. All of it goes one by one beside the suite on
// PostgreSQL 15, which has four workers of its own.
export default defineConfig({
  test: {
    ...common,
    include: ['test/system/**/*.test.ts'],
    isolate: false,
    maxWorkers: 2,
    sequence: { sequencer: SuiteFirst },
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
  oxc: compiler,
});
