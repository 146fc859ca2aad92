import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce, countStatuses, entriesOf, insertPerson, openSession } from './harness/accounts.js';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertFeatures, insertOverride } from './harness/features.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';

const ENVIRONMENTS = '/api/v1/environments';

let tenon: TestApp;
/** A platform admin, and somebody who is none. */
let admin: Auth;
let person: Member;
beforeAll(async () => {
  tenon = await startApp();
  const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
  admin = (await openSession(tenon, userId)).auth;
  person = await insertStranger(tenon);
});
afterAll(() => tenon.close());

type Auth = { authorization: string };
const get = (path = '', auth: Auth = person.auth) => tenon.http.get(`${ENVIRONMENTS}${path}`).set(auth);
const post = (body: object, auth: Auth = admin) => tenon.http.post(ENVIRONMENTS).set(auth).send(body);
const remove = (key: string, auth: Auth = admin) => tenon.http.delete(`${ENVIRONMENTS}/${key}`).set(auth);
const rows = async (text: string, ...values: unknown[]) => (await tenon.db.sql.query(text, values)).rows;
const revision = async (): Promise<number> => Number((await rows('select revision from feature_revision'))[0].revision);
const changesOf = async (action: string, target: string) =>
  (await entriesOf(tenon.db, action))
    .filter(({ target_id }) => target_id === target)
    .map(({ before, after }) => ({ before, after }));

describe('F1 environments', () => {
  it('three are there from the start, listed by page and by key', async () => {
    const { body } = await get().expect(200);
    expect(body.data.map(({ key }: { key: string }) => key)).toEqual(['development', 'production', 'staging']);
    expect(body.data[1]).toEqual({
      key: 'production',
      name: 'Production',
      description: null,
      createdAt: expect.stringMatching(/Z$/),
    });
    const second = (await get('?page=2&perPage=2').expect(200)).body;
    expect(second.data).toHaveLength(1);
    expect(second.meta).toMatchObject({ total: 3, hasPrevious: true, hasNext: false });
    expect((await get('/staging').expect(200)).body.name).toBe('Staging');
  });

  it('are made, told in the trail, counted as a change of features, and removed', async () => {
    const before = await revision();
    const { body } = await post({ key: 'preview-eu', name: ' Preview ', description: 'Next' }).expect(201);
    expect(body).toMatchObject({ key: 'preview-eu', name: 'Preview', description: 'Next' });
    expect((await get('/preview-eu').expect(200)).body).toEqual(body);
    expect(await revision()).toBe(before + 1);
    expect(await changesOf('environment.created', 'preview-eu')).toEqual([
      { before: null, after: { name: 'Preview', description: 'Next' } },
    ]);
    await remove('preview-eu').expect(204);
    await get('/preview-eu').expect(404);
    await remove('preview-eu').expect(404);
    expect(await revision()).toBe(before + 2);
    expect(await changesOf('environment.deleted', 'preview-eu')).toEqual([
      { before: { name: 'Preview', description: 'Next' }, after: null },
    ]);
    expect((await post({ key: 'qa' }).expect(201)).body).toMatchObject({ key: 'qa', name: 'qa', description: null });
    await remove('qa').expect(204);
  });

  it('have a key each, also when 50 are made at once', async () => {
    const answers = await atOnce(50, () => post({ key: 'same' }));
    expect(countStatuses(answers)).toEqual({ 201: 1, 409: 49 });
    expect(answers.find(({ status }) => status === 409)!.body.code).toBe('conflict');
    expect(await changesOf('environment.created', 'same')).toHaveLength(1);
    expect(countStatuses(await atOnce(50, () => remove('same')))).toEqual({ 204: 1, 404: 49 });
  });

  it('what features are there goes with one; the others keep theirs', async () => {
    await post({ key: 'gone' }).expect(201);
    await rows(
      `insert into feature_definitions (key, name, type, default_value, created_at, updated_at)
       values ('here-and-there', 'x', 'boolean', 'true', now(), now())`,
    );
    for (const key of ['gone', 'staging'])
      await rows(
        `insert into feature_configurations (feature_key, environment_key, updated_at) values ('here-and-there', $1, now())`,
        key,
      );
    await remove('gone').expect(204);
    expect(await rows('select environment_key from feature_configurations')).toEqual([{ environment_key: 'staging' }]);
  });

  it('what organizations override there goes with one, and the trail of each tells it', async () => {
    await post({ key: 'closing' }).expect(201);
    const [first, second] = await insertFeatures(tenon, {}, {});
    const [one, other, bystander] = [
      await insertOrganization(tenon.db),
      await insertOrganization(tenon.db),
      await insertOrganization(tenon.db),
    ];
    const there = { environment: 'closing' };
    await insertOverride(tenon, one.organizationId, first!, true, there);
    await insertOverride(tenon, one.organizationId, second!, false, there);
    await insertOverride(tenon, one.organizationId, first!, false);
    await insertOverride(tenon, other.organizationId, first!, true, there);
    await insertOverride(tenon, other.organizationId, second!, true, { ...there, expiresAt: new Date(0) });
    await insertOverride(tenon, bystander.organizationId, first!, true, { environment: 'staging' });
    await remove('closing').expect(204);
    const left = await rows('select environment_key from organization_feature_settings order by environment_key');
    expect(left.map(({ environment_key }) => environment_key)).toEqual(['staging', null]);
    const told = (await entriesOf(tenon.db, 'feature.overrides_removed')).map((entry) => [
      entry.organization_id,
      entry.target_id,
      Object.entries(entry.before as Record<string, { value: unknown }>)
        .map(([feature, { value }]) => [feature, value])
        .toSorted(),
    ]);
    expect(told).toHaveLength(2);
    expect(told).toContainEqual([
      one.organizationId,
      'closing',
      [
        [first, true],
        [second, false],
      ].toSorted(),
    ]);
    expect(told).toContainEqual([other.organizationId, 'closing', [[first, true]]]);
    const owner = await insertMember(tenon, one.organizationId, 'owner');
    const { body } = await tenon.http
      .get(`${one.path}/audit-log?action=feature.overrides_removed`)
      .set(owner.auth)
      .expect(200);
    expect(body.data).toHaveLength(1);
    expect(body.data[0].sentence).toMatch(
      /^A platform admin removed the environment closing, and with it what was overridden there \(/,
    );
  });

  it('one that API keys are for stays as long as they are there', async () => {
    await post({ key: 'in-use' }).expect(201);
    const { organizationId } = await insertOrganization(tenon.db);
    const account = await insertServiceAccount(tenon.db, organizationId);
    const { id } = await insertApiKey(tenon.db, organizationId, account, { environment: 'in-use' });
    expect((await remove('in-use').expect(409)).body).toMatchObject({
      code: 'environment_in_use',
      detail: 'API keys are for in-use: revoke them first',
    });
    await get('/in-use').expect(200);
    expect(await changesOf('environment.deleted', 'in-use')).toEqual([]);
    await rows('delete from api_keys where id = $1', id);
    await remove('in-use').expect(204);
  });

  it('case 27, case 7, case 8: take nothing else', async () => {
    const wrong: object[] = [
      {},
      ...[
        'A',
        'x',
        '-a',
        'a b',
        'a/b',
        'ä1',
        'x'.repeat(41),
        '',
        ['qa'],
        {},
        1,
        null,
        "qa'; drop table environments",
      ].map((key) => ({ key })),
      ...['', ' ', 'a\nb', null, 5, ['x'], 'x'.repeat(121)].map((name) => ({ key: 'qa', name })),
      ...['x'.repeat(501), 5, {}].map((description) => ({ key: 'qa', description })),
      { key: 'qa', createdAt: '2026-01-01T00:00:00Z' },
      { key: 'qa', organizationId: 'x' },
      { key: 'qa', platformRole: 'admin' },
    ];
    for (const body of wrong)
      expect((await post(body).expect(400)).body.code, JSON.stringify(body)).toBe('validation_failed');
    for (const key of ['A', 'x', 'a%20b', "a'--", 'a%00'])
      expect((await get(`/${key}`).expect(400)).body.code, key).toBe('validation_failed');
    await get('/qa').expect(404);
    const texts = { name: `'; drop table environments; --`, description: `$1 ? \\' ${'"'}` };
    expect((await post({ key: 'sql', ...texts }).expect(201)).body).toMatchObject(texts);
    await remove('sql').expect(204);
  });

  it('are for platform admins to change, and for everybody signed in to read', async () => {
    for (const ask of [post({ key: 'mine' }, person.auth), remove('staging', person.auth), post({}, person.auth)])
      expect((await ask.expect(403)).body.code).toBe('permission_denied');
    for (const ask of [tenon.http.get(ENVIRONMENTS), tenon.http.delete(`${ENVIRONMENTS}/staging`)])
      expect((await ask.expect(401)).body.code).toBe('authentication_required');
    await get('/staging').expect(200);
  });

  it('case 6: when the trail cannot be written nothing is changed', async () => {
    await rows(`alter table audit_log add constraint broken check (action not like 'environment.%') not valid`);
    const before = await revision();
    try {
      await post({ key: 'unseen' }).expect(500);
      await remove('staging').expect(500);
    } finally {
      await rows('alter table audit_log drop constraint broken');
    }
    await get('/unseen').expect(404);
    await get('/staging').expect(200);
    expect(await revision()).toBe(before);
  });

  it('the last one stays, also when all are removed at once', async () => {
    const { body } = await get('?perPage=200');
    const keys = body.data.map(({ key }: { key: string }) => key) as string[];
    const answers = await atOnce(keys.length, (n) => remove(keys[n]!));
    expect(countStatuses(answers)).toEqual({ 204: keys.length - 1, 409: 1 });
    expect((await get()).body.meta.total).toBe(1);
  });
});
