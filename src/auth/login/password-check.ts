import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import type { UserStatus } from '../../users/user.entity.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { Lockout } from './lockout.js';

/** A person whose password was right. */
export interface CheckedAccount {
  userId: string;
  email: string;
  /** To store instead, when the stored hash was not of today's parameters. */
  newHash: string | null;
}

interface AccountRow {
  user_id: string;
  status: UserStatus;
  verified: boolean;
  password_hash: string | null;
}

/** The one place where a password is compared: login, change, and whatever asks for it again. */
@Injectable()
export class PasswordCheck {
  constructor(
    private readonly em: EntityManager,
    private readonly hasher: PasswordHasher,
    private readonly lockout: Lockout,
    private readonly audit: AuditService,
  ) {}

  /**
   * Checks a password. Unknown, disabled and without a password answer like a wrong one, after the same work.
   * @param email normalised.
   * @throws Problem `too_many_attempts`; `invalid_credentials`; `email_not_verified` after the right password only.
   */
  async check(actor: Actor, email: string, password: string): Promise<CheckedAccount> {
    const { account, blocks } = await asSystem(this.em, async (em) => ({
      ...(await this.lockout.count(em, email)),
      account: await findAccount(em, email),
    }));
    const { valid, rehash } = account?.password_hash
      ? await this.hasher.verify(account.password_hash, password)
      : await this.hasher.verifyDecoy(password);
    if (!account || !valid || account.status !== 'active') {
      await this.remember(actor, email, account, blocks);
      throw problem('invalid_credentials');
    }
    if (!account.verified) {
      await asSystem(this.em, (em) => this.lockout.clear(em, email));
      throw problem('email_not_verified');
    }
    return { userId: account.user_id, email, newHash: rehash ? await this.hasher.hash(password) : null };
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
async function findAccount(em: EntityManager, email: string): Promise<AccountRow | undefined> {
  const [account] = await em.execute<AccountRow[]>(
    `select u.id as user_id, u.status, u.email_verified_at is not null as verified, c.password_hash
       from users u left join password_credentials c on c.user_id = u.id
      where u.email = ?
      union all
     (select r.user_id, 'active', false, r.password_hash
        from registrations r
       where r.email = ? and r.expires_at > now() and not exists (select from users u where u.email = r.email)
       order by r.created_at desc limit 1)`,
    [email, email],
  );
  return account;
}
