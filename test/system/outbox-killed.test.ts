import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OutboxHandlers } from '../../src/jobs/outbox-handlers.js';
import { startApp } from '../harness/app.js';
import { createDatabase, type TestDatabase } from '../harness/database.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

it('case 16: after kill -9 in the middle of a delivery another instance delivers it', async () => {
  const child = spawn('node', ['--import', './test/harness/typescript.mjs', 'test/children/stuck-delivery.ts'], {
    env: { ...process.env, NODE_ENV: 'test', DATABASE_URL: db.appUrl, DATABASE_OWNER_URL: db.ownerUrl, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const id = await deliveryOf(child);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const tenon = await startApp({ db });
  const seen: unknown[] = [];
  tenon.app.get(OutboxHandlers).register('test.killed', async ({ payload }) => void seen.push(payload));
  await expect
    .poll(async () => (await db.sql.query('select status from outbox where id = $1', [id])).rows)
    .toEqual([{ status: 'sent' }]);
  expect(seen).toEqual([{ word: 'again' }]);
  await tenon.close();
});

async function deliveryOf(child: ChildProcess): Promise<string> {
  for await (const chunk of child.stdout!) {
    const [, id] = /delivering (\S+)/.exec(String(chunk)) ?? [];
    if (id) return id;
  }
  throw new Error('the child ended before it delivered');
}
