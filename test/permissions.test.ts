import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { permissionsMarkdown } from '../src/docs/permissions-page.js';
import { newId } from '../src/kernel/ids.js';
import {
  BASE_ROLES,
  isPermission,
  permissions,
  PERMISSIONS,
  permissionsOf,
  permissionsWhileInactive,
} from '../src/kernel/permissions.js';
import { OrganizationAccess } from '../src/organizations/access/organization-access.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization, insertStranger, type Member } from './harness/organizations.js';
import { signInAdmin } from './harness/people.js';

let tenon: TestApp;
beforeAll(async () => {
  tenon = await startApp();
});
afterAll(() => tenon.close());

const mine = ({ auth }: Pick<Member, 'auth'>, organizationId: string) =>
  tenon.http.get('/api/v1/users/me/permissions').query({ organizationId }).set(auth);

describe('O3 the table of permissions', () => {
  it('is the one that the database has for get_user_permissions()', async () => {
    const { rows } = await tenon.db.sql.query('select role, permission, while_inactive from role_permissions');
    const expected = BASE_ROLES.flatMap((role) =>
      [...permissionsOf(role, new Map())].map((permission) => ({
        role,
        permission,
        while_inactive: permissionsWhileInactive(role).has(permission),
      })),
    );
    const sorted = (of: object[]) => of.map((row) => JSON.stringify(row)).toSorted();
    expect(sorted(rows)).toEqual(sorted(expected));
  });

  it('says of at least 25 what they allow, and gives each to owners', () => {
    expect(PERMISSIONS.length).toBeGreaterThanOrEqual(25);
    for (const key of PERMISSIONS) {
      expect(key).toMatch(/^[a-z]+(-[a-z]+)*:[a-z]+$/);
      expect(permissions[key].description).toMatch(/^[A-Z].*[^.]$/);
      expect(permissions[key].roles).toContain('owner');
    }
  });

  it('holds what every route of the OpenAPI document asks', () => {
    const { paths } = JSON.parse(readFileSync('openapi.json', 'utf8')) as {
      paths: Record<string, Record<string, { 'x-required-permission'?: string }>>;
    };
    const asked = Object.values(paths)
      .flatMap((methods) => Object.values(methods))
      .flatMap((operation) => operation['x-required-permission'] ?? []);
    const beside = ['session', 'platform-admin', 'member'];
    expect(asked.filter((requirement) => !beside.includes(requirement) && !isPermission(requirement))).toEqual([]);
  });

  it('has a page that says the same (npm run docs:permissions)', () => {
    expect(readFileSync('docs/permissions.md', 'utf8')).toBe(permissionsMarkdown());
  });

  it('is a catalogue for whoever is signed in', async () => {
    const stranger = await insertStranger(tenon);
    const { body } = await tenon.http.get('/api/v1/permissions').set(stranger.auth).expect(200);
    expect(body).toEqual(
      PERMISSIONS.map((key) => ({ key, description: permissions[key].description, roles: permissions[key].roles })),
    );
    await tenon.http.get('/api/v1/permissions').expect(401);
  });
});

describe('O3 what somebody may do', () => {
  type Status = 'active' | 'deactivated' | 'deleted';

  async function organization(status: Status): Promise<string> {
    const { organizationId } = await insertOrganization(tenon.db, { status });
    await tenon.db.sql.query(
      `insert into organization_roles (organization_id, key, name, permissions, created_at, updated_at)
       values ($1, 'clerk', 'Clerk', '{members:read,audit:read}', now(), now())`,
      [organizationId],
    );
    return organizationId;
  }

  /** The function of the database, as a tenant may call it and as superuser: both say the same. */
  async function inDatabase(userId: string, organizationId: string): Promise<string[]> {
    const { rows } = await tenon.db.sql.query<{ permission: string }>(
      'select get_user_permissions($1, $2) as permission',
      [userId, organizationId],
    );
    return rows.map(({ permission }) => permission).toSorted();
  }

  async function inCode(userId: string, organizationId: string): Promise<string[]> {
    const member = await tenon.app.get(OrganizationAccess).of(organizationId, userId);
    return [...(member?.permissions ?? [])].toSorted();
  }

  const CLERK = ['audit:read', 'members:read'];
  const KEPT = ['organization:deactivate', 'organization:delete', 'organization:read'];
  it.each([
    ...BASE_ROLES.map((role) => [role, 'active', [...permissionsOf(role, new Map())].toSorted(), 200] as const),
    ['clerk', 'active', CLERK, 200],
    ['gone', 'active', [], 200],
    ['owner', 'deactivated', KEPT, 200],
    ['admin', 'deactivated', [], 200],
    ['clerk', 'deactivated', [], 200],
    ['owner', 'deleted', KEPT, 200],
    ['admin', 'deleted', [], 404],
  ] as const)(
    'code, database and endpoint say the same of a %s in an organization that is %s',
    async (role, status, expected, answer) => {
      const organizationId = await organization(status);
      const member = await insertMember(tenon, organizationId, role);
      expect(await inDatabase(member.userId, organizationId)).toEqual(expected);
      expect(await inCode(member.userId, organizationId)).toEqual(expected);
      for (const spelling of [organizationId, organizationId.toUpperCase()]) {
        const { body } = await mine(member, spelling).expect(answer);
        if (answer === 200)
          expect({ ...body, permissions: body.permissions.toSorted() }).toEqual({
            organizationId,
            role,
            permissions: expected,
          });
        else expect(body.code).toBe('not_found');
      }
    },
  );

  it('… and of a platform admin, member or not', async () => {
    const [organizationId, joined] = [await organization('deactivated'), await organization('active')];
    const admin = await signInAdmin(tenon);
    await tenon.db.sql.query(
      `insert into user_organization_membership (organization_id, user_id, role, joined_at) values ($1, $2, 'viewer', now())`,
      [joined, admin.userId],
    );
    const all = PERMISSIONS.toSorted();
    for (const id of [organizationId, joined]) {
      expect(await inDatabase(admin.userId, id)).toEqual(all);
      const { body } = await mine(admin, id).expect(200);
      expect(body).toEqual({ organizationId: id, role: 'platform-admin', permissions: [...PERMISSIONS] });
    }
    const nowhere = newId();
    expect(await inDatabase(admin.userId, nowhere)).toEqual([]);
    await mine(admin, nowhere).expect(404);
  });

  it('… of somebody who was disabled, at once', async () => {
    const organizationId = await organization('active');
    const admin = await signInAdmin(tenon);
    const member = await insertMember(tenon, organizationId, 'admin');
    expect(await inCode(member.userId, organizationId)).not.toEqual([]);
    const setStatus = (status: string) =>
      tenon.http.patch(`/api/v1/admin/users/${member.userId}`).set(admin.auth).send({ status }).expect(200);
    await setStatus('disabled');
    expect(await inDatabase(member.userId, organizationId)).toEqual([]);
    await expect.poll(() => inCode(member.userId, organizationId)).toEqual([]);
    await mine(member, organizationId).expect(401);
    await setStatus('active');
    expect(await inCode(member.userId, organizationId)).toEqual(await inDatabase(member.userId, organizationId));
    expect(await inCode(member.userId, organizationId)).toContain('members:invite');
  });

  it('… and of a stranger', async () => {
    const organizationId = await organization('active');
    const stranger = await insertStranger(tenon);
    expect(await inDatabase(stranger.userId, organizationId)).toEqual([]);
    expect(await inCode(stranger.userId, organizationId)).toEqual([]);
    for (const id of [organizationId, newId()])
      expect((await mine(stranger, id).expect(404)).body.code).toBe('not_found');
    for (const none of ['', 'x', `${organizationId}'`, '*']) {
      const { body } = await mine(stranger, none).expect(400);
      expect(body.errors).toMatchObject([{ field: 'organizationId', code: 'is_uuid' }]);
    }
  });

  it('case 4: the function tells a tenant of its own members alone', async () => {
    const [own, other] = [await organization('active'), await organization('active')];
    const [member, theirs] = [await insertMember(tenon, own, 'admin'), await insertMember(tenon, other, 'admin')];
    const asTenant = async (userId: string, organizationId: string): Promise<number> => {
      const connection = await tenon.db.sql.connect();
      try {
        await connection.query('begin; set local role tenon_app');
        await connection.query(`select set_config('app.organization_id', $1, true)`, [own]);
        return (await connection.query('select get_user_permissions($1, $2)', [userId, organizationId])).rows.length;
      } finally {
        await connection.query('rollback');
        connection.release();
      }
    };
    expect(await asTenant(member.userId, own)).toBe(permissionsOf('admin', new Map()).size);
    expect(await asTenant(theirs.userId, other)).toBe(0);
  });
});
