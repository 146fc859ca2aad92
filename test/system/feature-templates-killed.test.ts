import { once } from 'node:events';
import supertest from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApp } from '../harness/app.js';
import { passLocksOfKilled, startChild } from '../harness/child-instance.js';
import { createDatabase, type TestDatabase } from '../harness/database.js';
import { featureAdmin } from '../harness/feature-admin.js';
import { insertFeatures } from '../harness/features.js';

/** One for all instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';
const ORGANIZATIONS = 1_000;
const FEATURES = 50;

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

interface Progress {
  status: string;
  done: number;
  overrides: number;
}
const progress = async (id: string): Promise<Progress> => {
  const { rows } = await db.sql.query<Progress>(
    `select status, done, (select count(*)::int from organization_feature_settings) as overrides
       from template_application_logs where id = $1`,
    [id],
  );
  return rows[0]!;
};

it('case: killed in the middle of an application to 1,000 organizations, nothing is half applied, and it ends once', async () => {
  const first = await startApp({ db, env: { PUBLIC_URL } });
  const { admin, post } = await featureAdmin(first);
  const keys = await insertFeatures(first, ...Array.from({ length: FEATURES }, () => ({})));
  await db.sql.query(
    `insert into organizations (id, name, slug, created_at, updated_at)
     select gen_random_uuid(), 'Many', 'many-' || n, now(), now() from generate_series(1, $1::int) n`,
    [ORGANIZATIONS],
  );
  const values = keys.map((feature) => ({ feature, value: true }));
  await post('/api/v1/feature-templates', { key: 'many', name: 'Many', values }).expect(201);
  await first.close();

  const { child, url } = await startChild(db, { PUBLIC_URL });
  const path = '/api/v1/feature-templates/many/applications';
  const body = { all: true, reason: 'For a test' };
  const { id } = (await supertest(url).post(path).set(admin).send(body).expect(202)).body as { id: string };
  // Some are written, and not all.
  await expect.poll(async () => (await progress(id)).done, { interval: 5 }).toBeGreaterThan(0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await passLocksOfKilled(db);
  const left = await progress(id);
  expect(left).toMatchObject({ status: 'running', overrides: 0 });
  expect(left.done).toBeLessThan(ORGANIZATIONS);

  const next = await startApp({ db, env: { PUBLIC_URL } });
  await expect.poll(async () => (await progress(id)).status).toBe('completed');
  expect(await progress(id)).toEqual({ status: 'completed', done: ORGANIZATIONS, overrides: ORGANIZATIONS * FEATURES });
  const { rows } = await db.sql.query(
    `select action, count(*)::int, count(distinct (organization_id, target_id))::int as subjects from audit_log
      where action in ('feature.overridden', 'template.applied') group by 1 order by 1`,
  );
  const all = ORGANIZATIONS * FEATURES;
  expect(rows).toEqual([
    { action: 'feature.overridden', count: all, subjects: all },
    { action: 'template.applied', count: 1, subjects: 1 },
  ]);
  await next.close();
}, 90_000);
