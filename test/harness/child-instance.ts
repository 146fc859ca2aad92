import { type ChildProcess, spawn } from 'node:child_process';
import { expect } from 'vitest';
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

/**
 * Waits until the database has noticed that an instance was killed, whose last transaction may commit yet, and lets the
 * time pass for which its jobs are nobody else's. `outbox-killed.test.ts` waits for that time by the clock, 6 to 12 s.
 */
export async function passLocksOfKilled(db: TestDatabase): Promise<void> {
  const { sql, name } = db;
  const connections = async (): Promise<number | null> =>
    (await sql.query(`select from pg_stat_activity where datname = $1 and application_name like 'tenon%'`, [name]))
      .rowCount;
  await expect.poll(connections).toBe(0);
  await passLocks(db);
}

/** As if no instance had said for a while that it still works on its jobs. */
export async function passLocks({ sql }: TestDatabase): Promise<void> {
  // Taken back is what a check has seen to be active, and a later one finds unlocked.
  await sql.query(`update bullmq.job set locked_until_ms = 0, stalled_marked = true where state = 'active'`);
  await sql.query(`delete from bullmq.meta where field = 'stalled-check'`);
}
