import { insertInvitation } from './invitations.js';
import { newPerson } from './people.js';
import type { TestApp } from './app.js';
import { type OpenedSession, openSession } from './accounts.js';

/** A person who has signed in, and what is theirs. */
export interface Tenant extends OpenedSession {
  userId: string;
  email: string;
  organizationName: string;
  organizationId: string;
  invitationId: string;
  /** The address that the invitation is for. */
  guest: string;
}

/** Two people with an organization each, which invites somebody. */
export async function twoTenants(tenon: TestApp): Promise<[Tenant, Tenant]> {
  const tenants: Tenant[] = [];
  for (const organizationName of ['Org of Ada', 'Org of Grace']) {
    const { userId, email } = await newPerson(tenon, { organizationName, fullName: organizationName.slice(7) });
    const { rows } = await tenon.db.sql.query('select id from organizations where name = $1', [organizationName]);
    const organizationId: string = rows[0].id;
    const { invitationId, email: guest } = await insertInvitation(tenon.db, organizationId, userId);
    const session = await openSession(tenon, userId);
    tenants.push({ userId, email, organizationName, organizationId, invitationId, guest, ...session });
  }
  return tenants as [Tenant, Tenant];
}
