import { once } from 'node:events';
import supertest from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { insertPerson } from '../harness/accounts.js';
import { startApp } from '../harness/app.js';
import { fillTokens, TOKEN_TYPES } from '../harness/cleanup.js';
import { createDatabase, type TestDatabase } from '../harness/database.js';
import { passLocksOfKilled, startChild } from '../harness/child-instance.js';
import { insertOrganization } from '../harness/organizations.js';
import { signInAdmin } from '../harness/people.js';

/** One for all instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';
const EXPIRED = 400;
const LIVE = 25;

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

/** What is told of a run, and what really is so. */
const facts = async (runId: string): Promise<Record<string, number | string>> => {
  const { rows } = await db.sql.query<Record<string, number | string>>(
    `select status, sum(deleted)::int as told, (select sum(deleted)::int from cleanup_batches where run_id = $1) as batches,
            (select count(*)::int from registrations) + (select count(*)::int from password_resets)
          + (select count(*)::int from email_changes) + (select count(*)::int from invitations)
          + (select count(*)::int from refresh_tokens where session_id not in (select id from user_sessions where family_key_id <> 'filled'))
          + (select count(*)::int from user_sessions where family_key_id = 'filled') as "left"
       from cleanup_runs join cleanup_run_types on run_id = id where id = $1 group by status`,
    [runId],
  );
  return rows[0]!;
};

it('case 37: killed in a batch, the figures are those of what is gone, and the run is ended after the next start', async () => {
  const first = await startApp({ db, env: { PUBLIC_URL } });
  const { auth } = await signInAdmin(first);
  const { userId } = await insertPerson(db);
  const { organizationId } = await insertOrganization(db);
  await fillTokens(db, { userId, organizationId, expired: EXPIRED, live: LIVE });
  await first.close();
  const all = TOKEN_TYPES.length * (EXPIRED + LIVE);

  const { child, url } = await startChild(db, { PUBLIC_URL });
  const { taskId } = (
    await supertest(url).post('/api/v1/admin/cleanup/expired-tokens').set(auth).send({ batchSize: 2 }).expect(202)
  ).body as { taskId: string };
  await expect.poll(async () => (await facts(taskId)).told, { interval: 5 }).toBeGreaterThan(20);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await passLocksOfKilled(db);
  const killed = await facts(taskId);
  expect(killed.status).toBe('running');
  expect(killed.told).toBeLessThan(TOKEN_TYPES.length * EXPIRED);
  expect(killed).toMatchObject({ batches: killed.told, left: all - Number(killed.told) });

  const next = await startApp({ db, env: { PUBLIC_URL } });
  await expect.poll(async () => (await facts(taskId)).status).toBe('completed');
  const gone = TOKEN_TYPES.length * EXPIRED;
  expect(await facts(taskId)).toEqual({ status: 'completed', told: gone, batches: gone, left: all - gone });
  const { rows } = await db.sql.query(
    `select count(*)::int from audit_log where action = 'cleanup.ended' and target_id = $1`,
    [taskId],
  );
  expect(rows).toEqual([{ count: 1 }]);
  await next.close();
}, 90_000);
