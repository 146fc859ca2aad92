import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { LOCKS_HERE } from './harness/database.js';
import { type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';
import { insertFeatures } from './harness/features.js';
import { insertMember, insertOrganization } from './harness/organizations.js';

const FEATURES = '/api/v1/features';
/** The lock of FeatureChanges. */
const LOCK = 7_362_640_109;

let tenon: TestApp;
let api: FeatureAdmin;
beforeAll(async () => {
  tenon = await startApp({ env: { DATABASE_POOL_SIZE: '10' }, hurried: true });
  api = await featureAdmin(tenon);
});
afterAll(async () => {
  await tenon.close();
});

/** Has features alone, as a change of another instance, until the function that it gives is called. */
async function holdFeatures(): Promise<() => Promise<void>> {
  const client = await tenon.db.sql.connect();
  await client.query('begin');
  await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
  return async () => {
    await client.query('rollback');
    client.release();
  };
}

const waiting = async (): Promise<number> =>
  (
    await api.rows<{ n: number }>(
      `select count(*)::int as n from ${LOCKS_HERE} where locktype = 'advisory' and not granted`,
    )
  )[0]!.n;

describe('F4 a change of features that takes long', () => {
  it('refuses overrides of 30 organizations soon, and leaves connections to everything else', async () => {
    const [key] = await insertFeatures(tenon, {});
    const organizations = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const organization = await insertOrganization(tenon.db);
        return { ...organization, ...(await insertMember(tenon, organization.organizationId, 'owner')) };
      }),
    );
    const release = await holdFeatures();
    let refused = 0;
    const answers = atOnce(30, async (n) => {
      const { path, auth } = organizations[n]!;
      const answer = await tenon.http
        .put(`${path}/features/${key}`)
        .set(auth)
        .send({ value: true, reason: 'For a test' });
      if (answer.status === 503) refused += 1;
      return answer;
    });
    const others: number[] = [];
    let most = 0;
    while (refused === 0) {
      const { path, auth } = organizations[0]!;
      others.push((await tenon.http.get('/health/ready')).status);
      others.push((await tenon.http.get(`${path}/features`).set(auth)).status);
      most = Math.max(most, await waiting());
      await sleep(50);
    }
    await release();
    expect(new Set(others)).toEqual(new Set([200]));
    expect(most).toBeLessThanOrEqual(5);
    const all = await answers;
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200, 503]));
    for (const { body, headers } of all.filter(({ status }) => status === 503)) {
      expect(body.code).toBe('service_unavailable');
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
  });

  it('refuses changes of features soon, and they can be made after it', async () => {
    const release = await holdFeatures();
    const { status, body, headers } = await api.post(FEATURES, {
      key: 'held-up',
      name: 'Held up',
      type: 'boolean',
      defaultValue: true,
    });
    await release();
    expect([status, body.code, headers['retry-after']]).toEqual([503, 'service_unavailable', '2']);
    await api.feature('held-up');
  });

  it('lets a kill switch go before changes that wait longer', async () => {
    await api.feature('to-kill');
    const release = await holdFeatures();
    const creates = Promise.all(Array.from({ length: 20 }, (_, n) => api.feature(`queued-${n}`)));
    while ((await waiting()) === 0) await sleep(10);
    const kill = api.put(`${FEATURES}/to-kill/environments/production`, { enabled: false, rules: [] }).expect(200);
    const sent = kill.then((answer) => answer);
    // For all of them to be there; nothing hangs on how many are.
    await sleep(300);
    await release();
    await Promise.all([creates, sent]);
    const revisions = await api.rows<{ feature_key: string; kind: string }>(
      `select feature_key, kind from feature_change_logs where kind = 'configuration' or feature_key like 'queued-%' order by revision`,
    );
    expect(revisions.at(-1)!.kind).toBe('feature');
  });
});

describe('F15 a dry run of an import', () => {
  const FEATURES_OF_DOCUMENT = 300;
  const document = (name: string) => ({
    format: 'tenon',
    formatVersion: 1,
    exportedAt: new Date(0).toISOString(),
    part: 1,
    parts: 1,
    environments: [],
    plans: [],
    segments: [],
    features: Array.from({ length: FEATURES_OF_DOCUMENT }, (_, n) => ({
      definition: { key: `tried-${String(n).padStart(3, '0')}`, name, type: 'boolean', defaultValue: true },
      configurations: [],
    })),
  });
  const send = (query: string, name: string) =>
    api.post(`${FEATURES}/import${query}`, { format: 'tenon', document: document(name) });

  it('waits for nobody who has features alone', async () => {
    const release = await holdFeatures();
    const { status, body } = await send('?dryRun=true', 'Before');
    await release();
    expect(status).toBe(200);
    expect(body.created).toHaveLength(FEATURES_OF_DOCUMENT);
  });

  it('gives way to a change of a feature that it has tried to change', async () => {
    await send('', 'Before').expect(200);
    const dry = send('?dryRun=true', 'After').then((answer) => answer);
    const writing = `select from ${LOCKS_HERE} where relation = 'feature_definitions'::regclass and mode = 'RowExclusiveLock'`;
    while ((await api.rows(writing)).length === 0) await sleep(5);
    await api.patch(`${FEATURES}/tried-000`, { name: 'Changed' }).expect(200);
    const { status, body } = await dry;
    expect([status, body.code]).toEqual([503, 'service_unavailable']);
    expect((await send('?dryRun=true', 'After').expect(200)).body.changed).toHaveLength(FEATURES_OF_DOCUMENT);
  });
});
