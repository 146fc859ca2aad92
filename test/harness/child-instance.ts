import { type ChildProcess, spawn } from 'node:child_process';
import type { TestDatabase } from './database.js';
import { freePort } from './port.js';

/** Starts an instance as a process of its own, to be killed. */
export async function startChild(
  db: TestDatabase,
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort();
  const child = spawn('node', ['--import', './test/harness/typescript.mjs', 'test/children/instance.ts'], {
    env: {
      ...process.env,
      NODE_ENV: 'test',
      DATABASE_URL: db.appUrl,
      PORT: String(port),
      RATE_LIMITS: 'off',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const chunk of child.stdout!)
    if (String(chunk).includes('ready')) return { child, url: `http://127.0.0.1:${port}` };
  throw new Error('the child ended before it was ready');
}
