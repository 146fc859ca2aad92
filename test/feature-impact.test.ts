import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from './harness/app.js';
import { insertFeatures, insertOverride, newFeatureKey } from './harness/features.js';
import { insertMember, insertOrganization } from './harness/organizations.js';
import { type Person, signInAdmin } from './harness/people.js';

let tenon: TestApp;
let admin: Person;
/** Three with 1, 2 and 3 members; the third is on the plan `pro`. */
let organizations: string[];
beforeAll(async () => {
  tenon = await startApp();
  admin = await signInAdmin(tenon);
  await tenon.db.sql.query(`insert into plans (key, name, created_at, updated_at) values ('pro', 'Pro', now(), now())`);
  organizations = [];
  for (const [at, plan] of ['standard', 'standard', 'pro'].entries()) {
    const { organizationId } = await insertOrganization(tenon.db, { plan });
    for (let members = 0; members <= at; members += 1) await insertMember(tenon, organizationId, 'member');
    organizations.push(organizationId);
  }
  // What is not active notices nothing.
  const { organizationId } = await insertOrganization(tenon.db, { status: 'deactivated' });
  await insertMember(tenon, organizationId, 'owner');
});
afterAll(() => tenon.close());

const read = (key: string, environment?: string) =>
  tenon.http.get(`/api/v1/features/${key}/impact`).query({ environment }).set(admin.auth);
const preview = (key: string, change: object) =>
  tenon.http.post(`/api/v1/features/${key}/impact`).set(admin.auth).send(change);
const counted = (count: number, users: number) => ({ organizations: count, users });

describe('F14 what hangs on a feature', () => {
  it('is named over any depth, and counted by organization and people', async () => {
    const [root, middle, leaf, rival] = ['root', 'middle', 'leaf', 'rival'].map((name) => newFeatureKey(name));
    await insertFeatures(
      tenon,
      { key: root, plans: { pro: true } },
      { key: middle, defaultValue: true, dependencies: [root!] },
      { key: leaf, defaultValue: true, dependencies: [middle!] },
      { key: rival, conflicts: [root!] },
    );
    await insertOverride(tenon, organizations[0]!, root!, true);
    const { body } = await read(root!).expect(200);
    expect(body).toMatchObject({
      environment: 'production',
      enabled: true,
      needs: [],
      neededBy: [
        { key: middle, path: [middle, root] },
        { key: leaf, path: [leaf, middle, root] },
      ],
      conflicts: [rival],
      plans: ['pro'],
      overrides: 1,
      organizations: { on: counted(2, 4), off: counted(1, 2), dependingOnContext: counted(0, 0) },
      switched: { changed: counted(2, 4), perhaps: counted(0, 0) },
    });
    expect(body.switched.features).toEqual(
      [leaf, middle, root].map((key) => ({ key, changed: counted(2, 4), perhaps: counted(0, 0) })),
    );
    expect((await read(leaf!).expect(200)).body.needs).toEqual([middle, root]);
  });

  it('says what a context may change, and for whom', async () => {
    const [key] = await insertFeatures(tenon, {
      configurations: { production: { rollout: { by: 'targetingKey', percentage: 50 } } },
    });
    const { body } = await read(key!).expect(200);
    expect(body.organizations).toEqual({
      on: counted(0, 0),
      off: counted(3, 6),
      dependingOnContext: counted(3, 6),
    });
    expect(body.switched.perhaps).toEqual(counted(3, 6));
  });

  it('is of one environment', async () => {
    const [key] = await insertFeatures(tenon, {
      defaultValue: true,
      configurations: { staging: { enabled: false } },
    });
    expect((await read(key!, 'staging').expect(200)).body).toMatchObject({
      enabled: false,
      organizations: { off: counted(3, 6) },
      switched: { changed: counted(3, 6) },
    });
    await read(key!, 'nowhere').expect(400);
    await read(newFeatureKey('none')).expect(404);
  });
});

describe('F14 a change that is tried', () => {
  it('says what it would do, and does nothing', async () => {
    const [key] = await insertFeatures(tenon, {});
    const before = await tenon.db.sql.query('select (select revision from feature_revision), count(*) from audit_log');
    const { body } = await preview(key!, { definition: { plans: { pro: true } } }).expect(200);
    expect(body).toMatchObject({
      environment: 'production',
      features: [{ key, changed: counted(1, 3), perhaps: counted(0, 0) }],
      changed: counted(1, 3),
    });
    const { body: everybody } = await preview(key!, {
      configuration: { enabled: true, rules: [{ name: 'all', when: [], value: true }] },
    }).expect(200);
    expect(everybody.changed).toEqual(counted(3, 6));
    const { body: gone } = await preview(key!, { remove: true }).expect(200);
    expect(gone.changed).toEqual(counted(3, 6));
    expect((await read(key!).expect(200)).body.organizations.off).toEqual(counted(3, 6));
    const after = await tenon.db.sql.query('select (select revision from feature_revision), count(*) from audit_log');
    expect(after.rows).toEqual(before.rows);
  });

  it('meets the refusal that the change would meet', async () => {
    const [parent, child] = [newFeatureKey('parent'), newFeatureKey('child')];
    await insertFeatures(tenon, { key: parent }, { key: child, dependencies: [parent] });
    const cycle = await preview(parent, { definition: { dependencies: [child] } }).expect(409);
    expect(cycle.body.code).toBe('feature_dependency_cycle');
    expect((await preview(parent, { remove: true }).expect(409)).body.code).toBe('feature_in_use');
    expect(
      (await preview(parent, { definition: { defaultValue: 'text' } }).expect(400)).body.errors[0].field,
    ).toContain('defaultValue');
    await preview(newFeatureKey('none'), { remove: true }).expect(404);
    for (const change of [{}, { remove: true, definition: {} }, { remove: false }, { environment: 7, remove: true }])
      await preview(parent, change).expect(400);
  });

  it('is for platform admins', async () => {
    const [key] = await insertFeatures(tenon, {});
    const owner = await insertMember(tenon, organizations[0]!, 'owner');
    await tenon.http.get(`/api/v1/features/${key}/impact`).set(owner.auth).expect(403);
    await tenon.http.post(`/api/v1/features/${key}/impact`).set(owner.auth).send({ remove: true }).expect(403);
  });
});
