import { createHmac } from 'node:crypto';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { SecretBox } from '../../kernel/secrets.js';
import type { UserStatus } from '../../users/user.entity.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { Lockout } from './lockout.js';

/** A person whose password was right. */
export interface CheckedAccount {
  userId: string;
  email: string;
  /** To store instead, when the stored hash was not of today's parameters. */
  newHash: string | null;
  /** Which password it was: when it was chosen, as the database writes it. */
  changedAt: string;
}

interface AccountRow {
  user_id: string;
  status: UserStatus;
  verified: boolean;
  password_hash: string | null;
  changed_at: string | null;
}

/** The one place where a password is compared: login, change, and whatever asks for it again. */
@Injectable()
export class PasswordCheck {
  constructor(
    private readonly em: EntityManager,
    private readonly hasher: PasswordHasher,
    private readonly lockout: Lockout,
    private readonly audit: AuditService,
    private readonly box: SecretBox,
  ) {}

  /**
   * Checks a password. Unknown, disabled and without a password answer like a wrong one, after the same work. The
   * attempt stays counted until {@link Lockout.clear}; what the password lets do has to {@link hold} it.
   * @param email normalised.
   * @throws Problem `too_many_attempts`; `invalid_credentials`; `email_not_verified` after the right password only.
   */
  async check(actor: Actor, email: string, password: string): Promise<CheckedAccount> {
    const { account, decoy, blocks } = await asSystem(this.em, async (em) => ({
      ...(await this.lockout.count(em, email)),
      ...(await findAccount(em, email, this.decoyPlace(email))),
    }));
    const { valid, rehash } = account?.password_hash
      ? await this.hasher.verify(account.password_hash, password)
      : await this.hasher.verifyDecoy(password, decoy);
    if (!account || !valid || account.status !== 'active') {
      await this.remember(actor, email, account, blocks);
      throw problem('invalid_credentials');
    }
    if (!account.verified) {
      await asSystem(this.em, (em) => this.lockout.clear(em, email));
      throw problem('email_not_verified');
    }
    return {
      userId: account.user_id,
      email,
      newHash: rehash ? await this.hasher.hash(password) : null,
      changedAt: account.changed_at!,
    };
  }

  /**
   * Checks the password of somebody who is signed in; the attempt is given back at once, whatever comes of the request.
   * @throws Problem of {@link check}.
   */
  async confirm(actor: Actor, email: string, password: string): Promise<CheckedAccount> {
    const account = await this.check(actor, email, password);
    await asSystem(this.em, (em) => this.lockout.clear(em, email));
    return account;
  }

  /**
   * Locks the account whose password was checked until the end of the transaction. Hashing takes so long that a reset,
   * a disabling or the undoing of a change of address can come in between, and must not be overtaken by whoever held
   * the old password.
   * @param em of a system transaction.
   * @throws Problem `invalid_credentials` when password, address or status are others by now.
   */
  async hold(em: EntityManager, { userId, email, changedAt }: CheckedAccount): Promise<void> {
    const held = await em.execute<{ id: string }[]>(
      `select u.id from users u join password_credentials c on c.user_id = u.id
        where u.id = ? and u.email = ? and u.status = 'active' and c.changed_at = ? for no key update of u, c`,
      [userId, email, changedAt],
    );
    if (held.length === 0) throw problem('invalid_credentials');
  }

  /** Keyed: nobody can choose an address by its decoy. */
  private decoyPlace(email: string): string {
    return createHmac('sha256', this.box.derive('password decoys')).update(email).digest('hex');
  }

  private async remember(actor: Actor, email: string, account: AccountRow | undefined, blocks: boolean): Promise<void> {
    await asSystem(this.em, async () => {
      const facts = {
        target: { type: 'email', id: email },
        userId: account?.verified ? account.user_id : null,
        outcome: 'failure' as const,
      };
      this.audit.record(actor, 'password.refused', { ...facts, reason: 'invalid_credentials' });
      if (blocks) this.audit.record(actor, 'password.locked', { ...facts, reason: 'too_many_attempts' });
    });
  }
}

/** The account of an address; where there is none, the newest registration that still waits for its proof. */
const ACCOUNT = `
  select u.id as user_id, u.status, u.email_verified_at is not null as verified, c.password_hash, c.changed_at::text
    from users u left join password_credentials c on c.user_id = u.id
   where u.email = ?
   union all
 (select r.user_id, 'active', false, r.password_hash, null
    from registrations r
   where r.email = ? and r.expires_at > now() and not exists (select from users u where u.email = r.email)
   order by r.created_at desc limit 1)`;

/**
 * Finds the account of an address, and a decoy for the case that it has no password: the stored hash of somebody else.
 * As many unknown addresses then take the time of an imported scheme as known ones do, and time tells nothing of either.
 * @param place where the decoy stands among the stored hashes, in hex: always the same for one address.
 */
export async function findAccount(
  em: EntityManager,
  email: string,
  place: string,
): Promise<{ account: AccountRow | undefined; decoy: string | undefined }> {
  const [row] = await em.execute<(AccountRow & { decoy: string | null })[]>(
    `select account.*, decoy.password_hash as decoy
       from (values (1)) one left join (${ACCOUNT}) account on true
       left join (select password_hash from password_credentials
                   where reverse(user_id::text) collate "C" >= ?
                   order by reverse(user_id::text) collate "C" limit 1) decoy on true`,
    [email, email, place],
  );
  return { account: row?.user_id ? row : undefined, decoy: row?.decoy ?? undefined };
}
