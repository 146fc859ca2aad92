import { cleanup } from './cleanup.js';
import { terminal } from './command.js';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

process.exitCode = await cleanup(process.argv.slice(2), terminal(), interrupted.signal, process.stdout);
