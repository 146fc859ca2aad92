import { terminal } from './command.js';
import { usersImport } from './users-import.js';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

process.exitCode = await usersImport(process.argv.slice(2), terminal(), interrupted.signal);
