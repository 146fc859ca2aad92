import type { EntityManager } from '@mikro-orm/postgresql';
import { newId } from '../../kernel/ids.js';

/** How long a link to choose a password works (OWASP Forgot Password Cheat Sheet: short). */
export const RESET_MINUTES = 60;

/** Whose password a link is about. */
export interface ResettingPerson {
  id: string;
  email: string;
  full_name: string;
}

/**
 * Stores a reset and makes older ones of the person useless; nothing for who is unknown or may not sign in. The
 * person's row is locked: of two at once the later one sees the other's.
 */
export async function startReset(
  em: EntityManager,
  email: string,
  tokenHash: Buffer,
): Promise<ResettingPerson | undefined> {
  const [person] = await em.execute<ResettingPerson[]>(
    `select id, email, full_name from users where email = ? and status = 'active' for no key update`,
    [email],
  );
  if (!person) return undefined;
  await cancelResets(em, person.id);
  await em.execute(
    `insert into password_resets (id, user_id, token_hash, created_at, expires_at) values (?, ?, ?, now(), now() + make_interval(mins => ${RESET_MINUTES}))`,
    [newId(), person.id, tokenHash],
  );
  return person;
}

/** Whose password a usable token is about, without using it. */
export async function findReset(em: EntityManager, tokenHash: Buffer): Promise<ResettingPerson | undefined> {
  const [person] = await em.execute<ResettingPerson[]>(
    `select u.id, u.email, u.full_name from password_resets r join users u on u.id = r.user_id
      where r.token_hash = ? and r.used_at is null and r.expires_at > now() and u.status = 'active'`,
    [tokenHash],
  );
  return person;
}

/** Uses a token: one statement, so of fifty at once one gets it. */
export async function takeReset(em: EntityManager, tokenHash: Buffer): Promise<boolean> {
  const taken = await em.execute<{ id: string }[]>(
    `update password_resets r set used_at = now() from users u
      where r.token_hash = ? and r.used_at is null and r.expires_at > now() and u.id = r.user_id and u.status = 'active'
     returning r.id`,
    [tokenHash],
  );
  return taken.length === 1;
}

/** Makes every open reset of a person useless: a newer one, another password or another address has come. */
export async function cancelResets(em: EntityManager, userId: string): Promise<void> {
  await em.execute('update password_resets set used_at = now() where user_id = ? and used_at is null', [userId]);
}
