import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atOnce, countStatuses } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { type FeatureAdmin, featureAdmin } from './harness/feature-admin.js';

const SEGMENTS = '/api/v1/segments';

let tenon: TestApp;
let api: FeatureAdmin;
beforeAll(async () => {
  tenon = await startApp();
  api = await featureAdmin(tenon);
});
afterAll(() => tenon.close());

const when = [{ attribute: 'email', operator: 'ends_with', values: ['@example.com'] }];

describe('F6 segments', () => {
  it('are made, read, listed, changed and removed, each told in the trail and counted', async () => {
    const before = await api.revision();
    const { body, headers } = await api.post(SEGMENTS, { key: 'own', when }).expect(201);
    expect(body).toEqual({
      key: 'own',
      name: null,
      description: null,
      when,
      version: 1,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect(headers.etag).toBe('"1"');
    expect((await api.get(`${SEGMENTS}/own`).expect(200)).body).toEqual(body);
    await api.post(SEGMENTS, { key: 'another', name: 'Another', when }).expect(201);
    const list = (await api.get(SEGMENTS).expect(200)).body;
    expect(list.data.map(({ key }: { key: string }) => key)).toEqual(['another', 'own']);
    const changed = await api.patch(`${SEGMENTS}/own`, { name: 'Own', when: [{ ...when[0], values: ['@x.com'] }] });
    expect(changed.body).toMatchObject({ name: 'Own', when: [{ values: ['@x.com'] }], version: 2 });
    expect((await api.patch(`${SEGMENTS}/own`, { name: null, description: null }).expect(200)).body).toMatchObject({
      name: null,
      version: 3,
    });
    for (const same of [{}, { name: null }, { when: changed.body.when }])
      expect((await api.patch(`${SEGMENTS}/own`, same).expect(200)).body.version).toBe(3);
    expect(await api.revision()).toBe(before + 4);
    expect(await api.changesOf('segment.updated', 'own')).toEqual([
      { before: { name: null, when }, after: { name: 'Own', when: changed.body.when } },
      { before: { name: 'Own' }, after: { name: null } },
    ]);
    await api.remove(`${SEGMENTS}/own`).set('if-match', '"2"').expect(412);
    await api.remove(`${SEGMENTS}/own`).set('if-match', '"3"').expect(204);
    await api.get(`${SEGMENTS}/own`).expect(404);
    await api.remove(`${SEGMENTS}/own`).expect(404);
    await api.patch(`${SEGMENTS}/own`, { name: 'X' }).expect(404);
    expect(await api.changesOf('segment.created', 'own')).toEqual([
      { before: null, after: { name: null, description: null, when } },
    ]);
    expect(await api.changesOf('segment.deleted', 'own')).toHaveLength(1);
  });

  it('have a key each, and one of 50 changes of a version is made', async () => {
    expect(countStatuses(await atOnce(50, () => api.post(SEGMENTS, { key: 'same', when })))).toEqual({
      201: 1,
      409: 49,
    });
    const answers = await atOnce(50, (n) => api.patch(`${SEGMENTS}/same`, { name: `N ${n}` }).set('if-match', '"1"'));
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 49 });
  });

  it('stay while rules name them', async () => {
    const path = `${await api.feature('targeted')}/environments/staging`;
    await api.post(SEGMENTS, { key: 'named', when }).expect(201);
    const rules = [
      { name: 'First', when: [], value: false, segments: ['another'] },
      { name: 'Second', when: [], value: true, segments: ['another', 'named'] },
    ];
    await api.put(path, { enabled: true, rules }).expect(200);
    expect((await api.remove(`${SEGMENTS}/named`).expect(409)).body).toMatchObject({
      code: 'feature_segment_in_use',
      detail: 'Rules of these name it: targeted',
    });
    await api.put(path, { enabled: true, rules: [rules[0]!] }).expect(200);
    // Whoever names it and whoever removes it, at once: not both.
    const answers = await atOnce(2, (n) =>
      n ? api.remove(`${SEGMENTS}/named`) : api.put(path, { enabled: true, rules }),
    );
    expect([
      [200, 409],
      [400, 204],
    ]).toContainEqual(answers.map(({ status }) => status));
  });

  it('case 7, case 8, case 27, case 34: take nothing else', async () => {
    const right = { key: 'refused', when };
    for (const body of [
      {},
      { key: 'refused' },
      { ...right, when: [] },
      { ...right, when: null },
      { ...right, when: {} },
      { ...right, when: ['x'] },
      { ...right, when: [{ attribute: 'a', operator: 'regex', values: ['x'] }] },
      { ...right, when: [{ attribute: 'a', operator: 'in', values: [] }] },
      { ...right, when: [{ attribute: 'a', operator: 'in', values: [{}] }] },
      { ...right, when: [{ attribute: 'a', operator: 'in' }] },
      { ...right, when: [{ attribute: '__proto__', operator: 'exists', values: [] }] },
      { ...right, when: Array.from({ length: 21 }, () => when[0]) },
      ...['A', '', ' ', 'a b', 'x'.repeat(101), {}, ['a'], null].map((key) => ({ ...right, key })),
      ...['', 'a\nb', 5, ['x']].map((name) => ({ ...right, name })),
      { ...right, description: 'x'.repeat(501) },
      { ...right, version: 3 },
      { ...right, organizationId: 'x' },
    ])
      expect((await api.post(SEGMENTS, body).expect(400)).body.code, JSON.stringify(body)).toBe('validation_failed');
    await api.get(`${SEGMENTS}/refused`).expect(404);
    for (const body of [{ when: null }, { when: [] }, { key: 'x' }, { name: '' }])
      await api.patch(`${SEGMENTS}/another`, body).expect(400);
    const sql = `'; drop table feature_segments; -- ? \\' "`;
    const texts = { name: sql, description: sql, when: [{ attribute: sql, operator: 'in', values: [sql] }] };
    expect((await api.post(SEGMENTS, { key: 'sql', ...texts }).expect(201)).body).toMatchObject(texts);
  });

  it('are for platform admins', async () => {
    const { auth } = api.person;
    for (const ask of [
      api.get(SEGMENTS, auth),
      api.get(`${SEGMENTS}/another`, auth),
      api.post(SEGMENTS, {}, auth),
      api.patch(`${SEGMENTS}/another`, {}, auth),
      api.remove(`${SEGMENTS}/another`, auth),
    ])
      expect((await ask.expect(403)).body.code).toBe('permission_denied');
    await tenon.http.get(SEGMENTS).expect(401);
  });

  it('case 6: when the trail cannot be written nothing is changed', async () => {
    await api.rows(`alter table audit_log add constraint broken check (action not like 'segment.%') not valid`);
    try {
      await api.post(SEGMENTS, { key: 'unseen', when }).expect(500);
      await api.patch(`${SEGMENTS}/another`, { name: 'Unseen' }).expect(500);
      await api.remove(`${SEGMENTS}/sql`).expect(500);
    } finally {
      await api.rows('alter table audit_log drop constraint broken');
    }
    await api.get(`${SEGMENTS}/unseen`).expect(404);
    await api.get(`${SEGMENTS}/sql`).expect(200);
    expect((await api.get(`${SEGMENTS}/another`)).body).toMatchObject({ name: 'Another', version: 1 });
  });
});
