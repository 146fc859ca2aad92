import { createInterface } from 'node:readline/promises';
import { terminal } from './command.js';
import { purge } from './purge.js';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

process.exitCode = await purge(process.argv.slice(2), terminal(), ask, interrupted.signal);

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  // Whoever closes the input, or interrupts, has typed nothing.
  const { promise: nothing, resolve } = Promise.withResolvers<string>();
  lines.once('close', () => resolve(''));
  try {
    return await Promise.race([lines.question(question), nothing]);
  } finally {
    lines.close();
  }
}
