import { createHmac } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { SecretBox } from '../../kernel/secrets.js';

/** Failures that are free; from the last of them on each one blocks, for 1 s, 2 s, 4 s, … */
export const FREE_FAILURES = 10;
export const MAX_BLOCK_SECONDS = 900;

/**
 * The growing wait after wrong passwords, shared by every path that takes one, and falling on unknown e-mail addresses
 * as on known ones (NIST SP 800-63B-4, 3.2.2). An attempt is counted before it is hashed, by
 * `password_attempts()` in one statement: five hundred at once get no more checks than the budget.
 */
@Injectable()
export class Lockout {
  constructor(private readonly box: SecretBox) {}

  /** Forgets the failures of an address: its password was right, or its mailbox was proven. */
  async clear(em: EntityManager, email: string): Promise<void> {
    await em.execute('delete from login_attempts where key = ?', [this.keyOf(email)]);
  }

  /**
   * Takes one attempt back, and the block with it where too few failures are left for one. No more than that: the
   * password may be of a stranger's registration, which must not make room for guesses at the owner's.
   */
  async giveBack(em: EntityManager, email: string): Promise<void> {
    await em.execute(
      `update login_attempts
          set failures = greatest(failures - 1, 0), blocked_until = case when failures > ? then blocked_until end
        where key = ?`,
      [FREE_FAILURES, this.keyOf(email)],
    );
  }

  /** Under which the failures of an address stand: keyed, so that the table names nobody. */
  keyOf(email: string): Buffer {
    return createHmac('sha256', this.box.derive('login-attempts')).update(email).digest();
  }
}
