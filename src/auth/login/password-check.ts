import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { JointStatement } from '../../database/joint-statement.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { Problem, problem } from '../../kernel/problem.js';
import type { UserStatus } from '../../users/user.entity.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { FREE_FAILURES, Lockout, MAX_BLOCK_SECONDS } from './lockout.js';

/** A person whose password was right. */
export interface CheckedAccount {
  userId: string;
  email: string;
  /** To store instead, when the stored hash was not of today's parameters. */
  newHash: string | null;
  /** Which password it was: when it was chosen, as the database writes it. */
  changedAt: string;
  /** Under which its failures are counted, in hex. */
  attemptKey: string;
}

interface AccountRow {
  user_id: string;
  status: UserStatus;
  verified: boolean;
  password_hash: string | null;
  changed_at: string | null;
}

interface AttemptRow extends AccountRow {
  /** Not null while the address is blocked; then nothing was counted. */
  blocked_seconds: number | null;
  /** Whether this attempt begins a block, if it fails. */
  blocks: boolean;
  registered_hash: string | null;
  decoy: string | null;
}

/** The one place where a password is compared: login, change, and whatever asks for it again. */
@Injectable()
export class PasswordCheck {
  private readonly attempts: JointStatement<{ key: string; email: string }, AttemptRow>;

  constructor(
    private readonly em: EntityManager,
    private readonly hasher: PasswordHasher,
    private readonly lockout: Lockout,
    private readonly audit: AuditService,
  ) {
    this.attempts = JointStatement.acrossTenants(em, 'select * from password_attempts(?, ?, ?)', [
      FREE_FAILURES,
      MAX_BLOCK_SECONDS,
    ]);
  }

  /**
   * Checks a password. Unknown, disabled and without a password answer like a wrong one, after the same work. The
   * attempt stays counted until {@link Lockout.clear}; what the password lets do has to {@link hold} it.
   * @param email normalised.
   * @throws Problem `too_many_attempts`; `invalid_credentials`; `email_not_verified` after the right password only, that
   * of a person or of the newest registration that still waits for its proof.
   */
  async check(actor: Actor, email: string, password: string): Promise<CheckedAccount> {
    const attemptKey = this.lockout.keyOf(email).toString('hex');
    const { account, registeredHash, decoy, blocks } = await this.attempt(email, attemptKey);
    const { valid, rehash } = account?.password_hash
      ? await this.hasher.verify(account.password_hash, password)
      : await this.hasher.verifyDecoy(password, decoy);
    // Checked beside an account too, or answer and time would tell a stranger who registered the address that it has one.
    const registered = registeredHash !== null && (await this.hasher.verify(registeredHash, password)).valid;
    if (account && valid && account.status === 'active' && account.verified)
      return {
        userId: account.user_id,
        email,
        newHash: rehash ? await this.hasher.hash(password) : null,
        changedAt: account.changed_at!,
        attemptKey,
      };
    if (registered || (account && valid && account.status === 'active')) {
      await asSystem(this.em, (em) => this.lockout.giveBack(em, email));
      throw problem('email_not_verified');
    }
    await this.remember(actor, email, account, blocks);
    throw problem('invalid_credentials');
  }

  /**
   * Checks the password of somebody who is signed in; the attempt is given back at once, whatever comes of the request.
   * @throws Problem of {@link check}.
   */
  async confirm(actor: Actor, email: string, password: string): Promise<CheckedAccount> {
    const account = await this.check(actor, email, password).catch((error: unknown) => {
      // Only a password was asked for here.
      if (error instanceof Problem && error.code === 'invalid_credentials')
        throw problem('invalid_credentials', { detail: 'The password is wrong' });
      throw error;
    });
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

  /**
   * Counts an attempt and finds the account of an address, the password of its newest registration that still waits for
   * its proof, and a decoy for the case that there is no account: the stored hash of somebody else, always the same for
   * one address. As many unknown addresses then take the time of an imported scheme as known ones do, and time tells
   * nothing of either.
   */
  private async attempt(
    email: string,
    key: string,
  ): Promise<{
    account: AccountRow | undefined;
    registeredHash: string | null;
    decoy: string | undefined;
    blocks: boolean;
  }> {
    const row = await this.attempts.ask({ key, email });
    if (row.blocked_seconds !== null)
      throw problem('too_many_attempts', { headers: { 'retry-after': String(row.blocked_seconds) } });
    return {
      account: row.user_id === null ? undefined : row,
      registeredHash: row.registered_hash,
      decoy: row.decoy ?? undefined,
      blocks: row.blocks,
    };
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
