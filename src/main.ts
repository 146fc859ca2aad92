import { EnvError, loadEnv } from '../config/env.js';
import { start } from './start.js';

try {
  await start(loadEnv());
} catch (error) {
  // What the operator can mend is told in a sentence; anything else with its stack.
  process.stderr.write(
    `${error instanceof EnvError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
}
