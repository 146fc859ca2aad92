import { once } from 'node:events';
import supertest from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { entriesOf } from '../harness/accounts.js';
import { startApp } from '../harness/app.js';
import { passLocksOfKilled, startChild } from '../harness/child-instance.js';
import { createDatabase, type TestDatabase } from '../harness/database.js';
import { signInAdmin } from '../harness/people.js';
import { of, PURGE, purging } from '../harness/purge.js';

/** One for all instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';
const PEOPLE = 20_000;

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

interface Progress {
  status: string;
  purged: number;
  left: number;
}
const progress = async (planId: string): Promise<Progress> => {
  const { rows } = await db.sql.query<Progress>(
    `select status, coalesce((results -> 'users' ->> 'rows')::int, 0) as purged,
            (select count(*)::int from users where platform_role is null) as left
       from purge_plans where id = $1`,
    [planId],
  );
  return rows[0]!;
};

it('case 37: a purge that is killed counts what is really gone, and goes on at the next start; a rerun finds it clean', async () => {
  const first = await startApp({ db, env: { PUBLIC_URL } });
  const admin = await signInAdmin(first);
  await db.sql.query(
    `insert into users (id, email, full_name, created_at, updated_at)
     select gen_random_uuid(), 'p' || n || '@example.com', 'A test', now(), now() from generate_series(1, $1::int) n`,
    [PEOPLE],
  );
  const planned = await purging(first, admin.auth).plan('test-data');
  expect(of(planned, 'users').remove).toBe(PEOPLE);
  await first.close();

  const { child, url } = await startChild(db, { PUBLIC_URL });
  const { planId, phrase } = planned;
  await supertest(url).post(PURGE).set(admin.auth).send({ planId, confirmation: phrase }).expect(202);
  // Some are gone, and not all.
  await expect.poll(async () => (await progress(planId)).purged, { interval: 5 }).toBeGreaterThan(0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await passLocksOfKilled(db);
  const killed = await progress(planId);
  expect(killed.status).toBe('running');
  expect(killed.left).toBeGreaterThan(0);
  expect(killed.purged).toBe(PEOPLE - killed.left);

  const next = await startApp({ db, env: { PUBLIC_URL } });
  const calls = purging(next, admin.auth);
  const report = await calls.ended(planId);
  expect(report).toMatchObject({ passed: true });
  expect(of(report, 'users')).toMatchObject({ outcome: 'purged', purged: PEOPLE });
  expect(await progress(planId)).toEqual({ status: 'completed', purged: PEOPLE, left: 0 });
  expect(await entriesOf(db, 'purge.completed')).toHaveLength(1);
  expect(of(await calls.purge('test-data'), 'users')).toMatchObject({ outcome: 'already clean', purged: 0 });
  await next.close();
}, 90_000);
