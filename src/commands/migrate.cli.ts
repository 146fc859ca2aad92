import { loadEnv } from '../../config/env.js';
import { migrate } from './migrate.js';

// `| head` closes the pipe; the command still has to end well and stop the database that it started.
process.stdout.on('error', () => undefined);

process.exitCode = await migrate(
  process.argv.slice(2),
  loadEnv,
  (line) => void process.stdout.write(`${line}\n`),
  (line) => void process.stderr.write(`${line}\n`),
);
