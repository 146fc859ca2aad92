import { type EntityManager, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { newId } from '../../kernel/ids.js';

/** How long the new address can confirm, and the old one undo. */
export const CONFIRM_MINUTES = 24 * 60;
export const UNDO_MINUTES = 7 * 24 * 60;

/** A change that was confirmed or undone just now. */
export interface TakenChange {
  id: string;
  user_id: string;
  old_email: string;
  new_email: string;
}

/**
 * Locks the person whom a token is about, before anything else: a request, its confirmation and its undoing wait for
 * each other, and each sees what the one before it did.
 */
async function lockPerson(em: EntityManager, column: 'confirm' | 'undo', tokenHash: Buffer): Promise<void> {
  await em.execute(
    `select from users where id = (select user_id from email_changes where ${column}_token_hash = ?) for no key update`,
    [tokenHash],
  );
}

/** Asks for a change; an older one that still waits becomes useless. @returns whose address it is already, if it is anybody's. */
export async function startEmailChange(
  em: EntityManager,
  userId: string,
  newEmail: string,
  hashes: { confirm: Buffer; undo: Buffer },
): Promise<{ ownerName: string | null }> {
  await em.execute(
    'update email_changes set expires_at = now() where user_id = ? and confirmed_at is null and expires_at > now()',
    [userId],
  );
  const [row] = await em.execute<{ owner_name: string | null }[]>(
    `insert into email_changes
       (id, user_id, old_email, new_email, confirm_token_hash, undo_token_hash, created_at, expires_at, undo_expires_at)
     select ?, u.id, u.email, ?, ?, ?, now(), now() + make_interval(mins => ${CONFIRM_MINUTES}), now() + make_interval(mins => ${UNDO_MINUTES})
       from users u where u.id = ? and u.status = 'active'
     returning (select full_name from users where users.email = email_changes.new_email) as owner_name`,
    [newId(), newEmail, hashes.confirm, hashes.undo, userId],
  );
  return { ownerName: row?.owner_name ?? null };
}

/** Uses the token of the new address: one statement, so of fifty at once one gets it. */
export async function takeConfirmation(em: EntityManager, confirmTokenHash: Buffer): Promise<TakenChange | undefined> {
  await lockPerson(em, 'confirm', confirmTokenHash);
  const [change] = await em.execute<TakenChange[]>(
    `update email_changes c set confirmed_at = now(), undo_expires_at = now() + make_interval(mins => ${UNDO_MINUTES})
       from users u
      where c.confirm_token_hash = ? and c.confirmed_at is null and c.undone_at is null and c.expires_at > now()
        and u.id = c.user_id and u.status = 'active' and u.email = c.old_email
     returning c.id, c.user_id, c.old_email, c.new_email`,
    [confirmTokenHash],
  );
  return change;
}

/**
 * Uses the token of the old address, and takes from every later change its way back: who controls the address that is
 * left must not undo the undoing.
 */
export async function takeUndo(em: EntityManager, undoTokenHash: Buffer): Promise<TakenChange | undefined> {
  await lockPerson(em, 'undo', undoTokenHash);
  const [change] = await em.execute<TakenChange[]>(
    `update email_changes c set undone_at = now() from users u
      where c.undo_token_hash = ? and c.undone_at is null and c.undo_expires_at > now()
        and u.id = c.user_id and u.status <> 'deleted'
     returning c.id, c.user_id, c.old_email, u.email as new_email`,
    [undoTokenHash],
  );
  if (!change) return undefined;
  await em.execute(
    `update email_changes set undone_at = coalesce(undone_at, now()), expires_at = least(expires_at, now())
      where user_id = ? and id > ?`,
    [change.user_id, change.id],
  );
  return change;
}

/**
 * Gives a person another address.
 * @returns their name; nothing when the address belongs to somebody else, and then the transaction has to be given up.
 */
export async function moveEmail(
  em: EntityManager,
  userId: string,
  email: string,
): Promise<{ full_name: string } | undefined> {
  try {
    const [moved] = await em.execute<{ full_name: string }[]>(
      'update users set email = ?, updated_at = now() where id = ? returning full_name',
      [email, userId],
    );
    return moved;
  } catch (error) {
    if (error instanceof UniqueConstraintViolationException) return undefined;
    throw error;
  }
}
