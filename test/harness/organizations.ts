import { newId } from '../../src/kernel/ids.js';
import { insertPerson, type OpenedSession, openSession } from './accounts.js';
import type { TestApp } from './app.js';
import type { TestDatabase } from './database.js';

/** Somebody in an organization, signed in. */
export interface Member extends OpenedSession {
  userId: string;
  email: string;
  fullName: string;
  role: string;
}

/** An organization put into the tables, without anybody in it. */
export async function insertOrganization(
  { sql }: TestDatabase,
  {
    name = 'Analytical Engines',
    plan = 'standard',
    status = 'active',
  }: { name?: string; plan?: string; status?: 'active' | 'deactivated' | 'deleted' } = {},
): Promise<{ organizationId: string; name: string; slug: string; path: string }> {
  const organizationId = newId();
  const slug = `o-${organizationId.slice(-12)}`;
  await sql.query(
    `insert into organizations (id, name, slug, plan_key, status, created_at, updated_at) values ($1, $2, $3, $4, $5, now(), now())`,
    [organizationId, name, slug, plan, status],
  );
  return { organizationId, name, slug, path: `/api/v1/organizations/${organizationId}` };
}

/** A person put into an organization, with a session and without the hash of a sign-in. */
export async function insertMember(
  tenon: TestApp,
  organizationId: string,
  role: string,
  { fullName = `A ${role}` }: { fullName?: string } = {},
): Promise<Member> {
  const { userId, email } = await insertPerson(tenon.db, { fullName });
  await tenon.db.sql.query(
    'insert into user_organization_membership (organization_id, user_id, role, joined_at) values ($1, $2, $3, now())',
    [organizationId, userId, role],
  );
  return { userId, email, fullName, role, ...(await openSession(tenon, userId)) };
}

/** Somebody with a session and no organization. */
export async function insertStranger(tenon: TestApp): Promise<Member> {
  const fullName = 'A stranger';
  const { userId, email } = await insertPerson(tenon.db, { fullName });
  return { userId, email, fullName, role: 'none', ...(await openSession(tenon, userId)) };
}
