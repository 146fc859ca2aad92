import { newId } from '../../src/kernel/ids.js';
import { hashToken, newToken } from '../../src/kernel/tokens.js';
import type { TestDatabase } from './database.js';
import { newEmail } from './people.js';

/** An invitation put into the tables, as its mail would bring it. */
export async function insertInvitation(
  { sql }: TestDatabase,
  organizationId: string,
  invitedBy: string,
  { email = newEmail('guest'), role = 'member' }: { email?: string; role?: string } = {},
): Promise<{ invitationId: string; email: string; role: string; token: string }> {
  const [invitationId, token] = [newId(), newToken()];
  await sql.query(
    `insert into invitations (organization_id, id, email, role, token_hash, invited_by, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, now(), now() + interval '7 days')`,
    [organizationId, invitationId, email, role, hashToken(token), invitedBy],
  );
  return { invitationId, email, role, token };
}
