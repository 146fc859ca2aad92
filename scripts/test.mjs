// The tests: `node scripts/test.mjs [--system] [ARGUMENT OF VITEST ...]`. Ends with a line `N passed, N failed`.
import './require-node.mjs';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfChanged } from './build.mjs';
import { provideSystemPrograms } from './system-programs.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const args = process.argv.slice(2);
const system = args[0] === '--system';
if (system) {
  args.shift();
  const complaint = provideSystemPrograms();
  if (complaint) {
    console.error(complaint);
    process.exit(1);
  }
  buildIfChanged();
}

const folder = mkdtempSync(join(tmpdir(), 'tenon-report-'));
const report = join(folder, 'report.json');
const config = system ? 'vitest.system.config.ts' : 'vitest.config.ts';
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const child = spawn(process.execPath, [vitest, 'run', '--config', config, ...reporters, ...args], {
  cwd: root,
  stdio: 'inherit',
});
// Ctrl-C reaches Vitest by itself; a signal to this process alone does not.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));

child.on('close', (code, signal) => {
  const counted = count();
  rmSync(folder, { recursive: true, force: true });
  if (!counted) console.error(`Vitest ended before it had a result: ${signal ?? `exit code ${code}`}`);
  const { passed = 0, failed = 0 } = counted ?? {};
  // What fails outside of a test (a file that cannot be loaded, an error nobody caught) fails the run too.
  const total = code === 0 && counted ? failed : Math.max(failed, 1);
  console.log(`${passed} passed, ${total} failed`);
  process.exitCode = total > 0 ? 1 : 0;
});

/** What the report says; null without one. A file that failed as a whole counts as one failure. */
function count() {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    const broken = testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
    );
    return { passed: numPassedTests, failed: numFailedTests + broken.length };
  } catch {
    return null;
  }
}
