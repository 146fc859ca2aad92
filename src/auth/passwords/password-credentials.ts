import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Env } from '../../../config/env.js';
import { problem } from '../../kernel/problem.js';
import { PasswordHasher } from './password-hasher.js';
import { checkPassword } from './password-rules.js';

/** The stored passwords: the only writer of `password_credentials`. */
@Injectable()
export class PasswordCredentials {
  constructor(
    private readonly env: Env,
    private readonly hasher: PasswordHasher,
  ) {}

  /**
   * Checks a new password against the rules and hashes it.
   * @param field where the request holds it, for `errors[].field`.
   * @throws Problem `validation_failed` with the reason; `service_unavailable` when too many hashes wait.
   */
  async hashNew(field: string, password: string, identity: { email: string; fullName: string }): Promise<string> {
    const refusals = checkPassword(password, { minLength: this.env.passwordMinLength, identity });
    if (refusals.length > 0)
      throw problem('validation_failed', { errors: refusals.map((refusal) => ({ field, ...refusal })) });
    return this.hasher.hash(password);
  }

  /** Stores a password that a person chose. @param em of a system transaction. */
  async set(em: EntityManager, userId: string, passwordHash: string): Promise<void> {
    await em.execute(
      `insert into password_credentials (user_id, password_hash, changed_at) values (?, ?, now())
       on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = now()`,
      [userId, passwordHash],
    );
  }

  /**
   * Replaces the hash of a password by one of today's parameters, unless another password was chosen meanwhile.
   * @param em of a system transaction.
   * @param changedAt of the password that was hashed.
   */
  async rehash(em: EntityManager, userId: string, passwordHash: string, changedAt: string): Promise<void> {
    await em.execute('update password_credentials set password_hash = ? where user_id = ? and changed_at = ?', [
      passwordHash,
      userId,
      changedAt,
    ]);
  }
}
