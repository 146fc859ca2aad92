import type { EntityManager } from '@mikro-orm/postgresql';
import { newId } from '../../kernel/ids.js';
import type { ImportedUser } from '../passwords/import-file.js';

/** A person of the file under the id that they get here. */
export type NewUser = ImportedUser & { id: string; fullName: string };

/** Gives a person an id and, where the file has no name, that of the mailbox. */
export function toNewUser(user: ImportedUser): NewUser {
  return { ...user, id: newId(), fullName: user.fullName ?? user.email.slice(0, user.email.indexOf('@')) };
}

/**
 * Adds people and their hashes, in one statement; whose address is there already stays as they are. In the order of the
 * addresses, so that two imports at once do not wait for each other in a circle.
 * @returns the ids that were added.
 */
export async function insertUsers(em: EntityManager, users: readonly NewUser[]): Promise<Set<string>> {
  const rows = await em.execute<{ id: string }[]>(
    `with person as materialized (
       select * from jsonb_to_recordset(?::jsonb) as p (
         id uuid, email text, "fullName" text, "emailVerified" boolean, "passwordHash" text)),
     added as (
       insert into users (id, email, email_verified_at, full_name, status, created_at, updated_at)
       select id, email, case when "emailVerified" then now() end, "fullName", 'active', now(), now()
         from person order by email
       on conflict (email) do nothing
       returning id),
     credentials as (
       insert into password_credentials (user_id, password_hash, changed_at)
       select id, "passwordHash", now() from person join added using (id) where "passwordHash" is not null)
     select id from added`,
    [JSON.stringify(users)],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Which of these people would be added. */
export async function findNewUsers(em: EntityManager, users: readonly NewUser[]): Promise<Set<string>> {
  const rows = await em.execute<{ id: string }[]>(
    `select id from jsonb_to_recordset(?::jsonb) as p (id uuid, email text)
      where not exists (select from users u where u.email = p.email)`,
    [JSON.stringify(users.map(({ id, email }) => ({ id, email })))],
  );
  return new Set(rows.map(({ id }) => id));
}
