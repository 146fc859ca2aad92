import { once } from 'node:events';
import supertest from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApp, type TestApp } from '../harness/app.js';
import { passLocksOfKilled, startChild } from '../harness/child-instance.js';
import { createDatabase, LOCKS_HERE, type TestDatabase } from '../harness/database.js';
import { type Person, signInAdmin } from '../harness/people.js';
import { type MailCatcher, startMailCatcher } from '../harness/smtp.js';

const PATH = '/api/v1/admin/cleanup';
/** One for all instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';

let db: TestDatabase;
let catcher: MailCatcher;
let admin: Person;
beforeAll(async () => {
  db = await createDatabase();
  catcher = await startMailCatcher();
  const first = await start();
  admin = await signInAdmin(first);
  await first.close();
});
afterAll(async () => {
  await catcher.close();
  await db.drop();
});

const start = (): Promise<TestApp> => startApp({ db, env: { PUBLIC_URL, MAIL_URL: catcher.url } });
const rows = async (sql: string, ...values: unknown[]): Promise<Record<string, unknown>[]> =>
  (await db.sql.query<Record<string, unknown>>(sql, values)).rows;
const reports = (): number =>
  catcher.mails.filter(({ subject }) => subject?.startsWith('The cleanup of the last')).length;

it('case 38: killed while a report is made, it is made and mailed once after the next start', async () => {
  // The maker waits for the row that is held here, in the middle of its work.
  const { child, url } = await startChild(db, { PUBLIC_URL, MAIL_URL: catcher.url });
  const holder = await db.sql.connect();
  await holder.query('begin');
  await holder.query('lock table cleanup_batches in access exclusive mode');
  const { taskId } = (
    await supertest(url).post(`${PATH}/generate-report?report_type=monthly`).set(admin.auth).expect(202)
  ).body as { taskId: string };
  await expect
    .poll(
      async () =>
        (await rows(`select from ${LOCKS_HERE} where relation = 'cleanup_batches'::regclass and not granted`)).length,
    )
    .toBe(1);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await holder.query('rollback');
  holder.release();
  await passLocksOfKilled(db);
  expect(await rows(`select status from cleanup_reports where id = $1`, taskId)).toEqual([{ status: 'queued' }]);
  expect(reports()).toBe(0);

  const next = await start();
  await expect
    .poll(async () => (await rows(`select status from cleanup_reports where id = $1`, taskId))[0])
    .toEqual({ status: 'completed' });
  await expect.poll(reports).toBe(1);
  expect(
    await rows(`select from audit_log where action = 'cleanup.report_made' and target_id = $1`, taskId),
  ).toHaveLength(1);
  await next.close();
});
