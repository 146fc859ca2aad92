import type { EntityManager } from '@mikro-orm/postgresql';
import { newId } from '../../kernel/ids.js';

/** How long a link to verify works. */
export const VERIFY_MINUTES = 24 * 60;
const LIFETIME = `make_interval(mins => ${VERIFY_MINUTES})`;

interface NewRegistration {
  userId: string;
  email: string;
  fullName: string;
  organizationName?: string;
  passwordHash: string;
  tokenHash: Buffer;
  /** Null for somebody who was imported. */
  ip: string | null;
}

/** Stores a registration. @returns the name of the person whose address it is already, if it is anybody's. */
export async function insertRegistration(
  em: EntityManager,
  registration: NewRegistration,
): Promise<{ ownerName: string | null }> {
  const { userId, email, fullName, organizationName, passwordHash, tokenHash, ip } = registration;
  const [row] = await em.execute<{ owner_name: string | null }[]>(
    `insert into registrations (id, user_id, email, full_name, organization_name, password_hash, token_hash, ip, created_at, expires_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, now(), now() + ${LIFETIME})
     returning (select full_name from users where users.email = registrations.email) as owner_name`,
    [newId(), userId, email, fullName, organizationName ?? null, passwordHash, tokenHash, ip],
  );
  return { ownerName: row!.owner_name };
}

/** A registration whose token was shown. */
export interface TakenRegistration {
  user_id: string;
  email: string;
  full_name: string;
  organization_name: string | null;
  password_hash: string;
}

/**
 * Uses a token, and removes every registration of its address: one statement, so of fifty at once one gets it. All are
 * locked in one order: two registrations of one address that are proven at once would wait for each other.
 */
export async function takeRegistration(em: EntityManager, tokenHash: Buffer): Promise<TakenRegistration | undefined> {
  const [taken] = await em.execute<TakenRegistration[]>(
    `with same_address as materialized (
       select id from registrations
        where email = (select email from registrations where token_hash = ? and expires_at > now())
        order by id for update),
     gone as (
       delete from registrations r using same_address s where r.id = s.id returning r.*)
     select user_id, email, full_name, organization_name, password_hash from gone where token_hash = ?`,
    [tokenHash, tokenHash],
  );
  return taken;
}

/** Removes what waits for the proof of an address that is proven otherwise, or belongs to nobody any more. */
export async function removeRegistrations(em: EntityManager, email: string): Promise<void> {
  await em.execute('delete from registrations where email = ?', [email]);
}

/**
 * Makes the person of a registration, or marks an imported one as verified.
 * @returns false when somebody else has the address by now.
 */
export async function verifyPerson(
  em: EntityManager,
  registration: Pick<TakenRegistration, 'user_id' | 'email' | 'full_name'>,
): Promise<boolean> {
  const made = await em.execute<{ id: string }[]>(
    `insert into users as u (id, email, email_verified_at, full_name, status, created_at, updated_at)
     values (?, ?, now(), ?, 'active', now(), now())
     on conflict (email) do update set email_verified_at = now(), updated_at = now()
        where u.id = excluded.id and u.email_verified_at is null and u.status = 'active'
     returning id`,
    [registration.user_id, registration.email, registration.full_name],
  );
  return made.length === 1;
}

/** A registration whose link is mailed again. */
export interface RenewedRegistration {
  fullName: string;
  /** Nothing for somebody who was imported. */
  registered?: { at: string; ip: string | null };
}

/**
 * Gives the newest waiting registration of an address a new token and another day. An imported person who is not
 * verified yet gets one of their own first, with the password that was imported.
 */
export async function renewNewestRegistration(
  em: EntityManager,
  email: string,
  { tokenHash }: { tokenHash: Buffer },
): Promise<RenewedRegistration | undefined> {
  const [renewed] = await em.execute<{ full_name: string; created_at: string; ip: string | null }[]>(
    `update registrations set token_hash = ?, expires_at = now() + ${LIFETIME}
      where id = (select r.id from registrations r
                   where r.email = ? and r.expires_at > now()
                     and not exists (select from users u where u.email = r.email)
                   order by r.created_at desc limit 1)
     returning full_name, created_at, ip`,
    [tokenHash, email],
  );
  if (renewed)
    return {
      fullName: renewed.full_name,
      registered: { at: new Date(renewed.created_at).toISOString(), ip: renewed.ip },
    };
  const [imported] = await em.execute<{ id: string; full_name: string; password_hash: string }[]>(
    `select u.id, u.full_name, c.password_hash
       from users u join password_credentials c on c.user_id = u.id
      where u.email = ? and u.email_verified_at is null and u.status = 'active' for no key update of u`,
    [email],
  );
  if (!imported) return undefined;
  await em.execute('delete from registrations where user_id = ?', [imported.id]);
  await insertRegistration(em, {
    userId: imported.id,
    email,
    fullName: imported.full_name,
    passwordHash: imported.password_hash,
    tokenHash,
    ip: null,
  });
  return { fullName: imported.full_name };
}
