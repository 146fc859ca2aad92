import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FeatureUsage } from '../src/features/usage/feature-usage.js';
import { atOnce, countStatuses } from './harness/accounts.js';
import { insertApiKey } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { askFlags } from './harness/flags.js';
import { insertFeatures } from './harness/features.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';

/** One for both instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';

let db: TestDatabase;
let tenon: TestApp;
let other: TestApp;
let path: string;
let organizationId: string;
let admin: Member;
let client: { authorization: string };
beforeAll(async () => {
  db = await createDatabase();
  [tenon, other] = [await startApp({ db, env: { PUBLIC_URL } }), await startApp({ db, env: { PUBLIC_URL } })];
});
beforeEach(async () => {
  ({ path, organizationId } = await insertOrganization(db));
  admin = await insertMember(tenon, organizationId, 'admin');
  ({ auth: client } = await insertApiKey(db, organizationId, { userId: admin.userId }));
});
afterAll(async () => {
  await Promise.all([tenon.close(), other.close()]);
  await db.drop();
});

const rows = async (text: string, ...values: unknown[]) => (await db.sql.query(text, values)).rows;
const flush = async (...instances: TestApp[]): Promise<void> => {
  for (const { app } of instances) await app.get(FeatureUsage).flush();
};
/** What is written of a feature: value, evaluations and users. */
const counted = async (key: string) =>
  (
    await rows(
      `select value, sum(evaluations)::int as evaluations,
              sum(case when users_seen is null then users else count_feature_users(users_seen) end)::int as users
         from feature_usage_days where feature_key = $1 and organization_id = $2 group by 1 order by 1`,
      key,
      organizationId,
    )
  ).map(({ value, evaluations, users }) => [value, evaluations, users]);

const byCountry = {
  production: {
    rules: [
      { name: 'Germany', when: [{ attribute: 'country', operator: 'in' as const, values: ['de'] }], value: true },
    ],
  },
};

describe('F13 counting', () => {
  it('is exact with 1,000 evaluations at once, over both APIs and two instances', async () => {
    const [key, variant] = await insertFeatures(
      tenon,
      { configurations: byCountry },
      {
        type: 'string',
        defaultValue: 'grey',
        variants: [{ key: 'blue', value: '#00f' }],
        configurations: { production: { rollout: { by: 'targetingKey', percentage: 100 } } },
      },
    );
    const answers = await atOnce(1_000, async (index) => {
      const instance = index % 2 ? tenon : other;
      const context = { targetingKey: `user-${index % 50}`, country: index % 4 < 2 ? 'de' : 'fr' };
      if (index < 500) return askFlags(instance, client, { key: key!, context });
      return instance.http
        .post(`${path}/features/evaluate`)
        .set(client)
        .send({ keys: [key, variant], context });
    });
    expect(countStatuses(answers)).toEqual({ 200: 1_000 });
    expect(await counted(key!)).toEqual([]);
    await flush(tenon, other);
    const found = await counted(key!);
    expect(found.map(([value, evaluations]) => [value, evaluations])).toEqual([
      ['false', 500],
      ['true', 500],
    ]);
    expect(await counted(variant!)).toEqual([['blue', 500, expect.any(Number)]]);
    const [{ users }] = await rows(
      'select count(distinct user_key)::int as users from user_feature_usage where organization_id = $1',
      organizationId,
    );
    expect(users).toBe(50);
  });
});
