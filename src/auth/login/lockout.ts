import { createHmac } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { problem } from '../../kernel/problem.js';
import { SecretBox } from '../../kernel/secrets.js';

/** Failures that are free; from the next on each one blocks, for 1 s, 2 s, 4 s, … */
const FREE_FAILURES = 10;
const MAX_BLOCK_SECONDS = 900;

/**
 * The growing wait after wrong passwords, shared by every path that takes one, and falling on unknown e-mail addresses
 * as on known ones (NIST SP 800-63B-4, 3.2.2). An attempt is counted before it is hashed, in one statement: five
 * hundred at once get no more checks than the budget.
 */
@Injectable()
export class Lockout {
  constructor(private readonly box: SecretBox) {}

  /**
   * Counts an attempt as failed; {@link clear} takes it back when the password was right.
   * @param em of a system transaction.
   * @returns whether this one began a block, if it fails.
   * @throws Problem `too_many_attempts` with Retry-After while blocked; nothing is counted then.
   */
  async count(em: EntityManager, email: string): Promise<{ blocks: boolean }> {
    const key = this.keyOf(email);
    const [counted] = await em.execute<{ failures: number }[]>(
      `insert into login_attempts as a (key, failures, blocked_until, expires_at)
            values (?, 1, null, now() + interval '1 day')
       on conflict (key) do update set
            failures = case when a.expires_at < now() then 1 else a.failures + 1 end,
            blocked_until = case when a.expires_at >= now() and a.failures + 1 >= ${FREE_FAILURES}
              then clock_timestamp() + make_interval(secs => least(2 ^ least(a.failures + 1 - ${FREE_FAILURES}, 20), ${MAX_BLOCK_SECONDS}))
              end,
            expires_at = now() + interval '1 day'
          where a.blocked_until is null or a.blocked_until <= clock_timestamp()
       returning failures`,
      [key],
    );
    if (counted) return { blocks: counted.failures >= FREE_FAILURES };
    const [blocked] = await em.execute<{ seconds: number }[]>(
      `select greatest(1, ceil(extract(epoch from blocked_until - clock_timestamp())))::int as seconds from login_attempts where key = ?`,
      [key],
    );
    throw problem('too_many_attempts', { headers: { 'retry-after': String(blocked?.seconds ?? 1) } });
  }

  /** Forgets the failures of an address: its password was right, or its mailbox was proven. */
  async clear(em: EntityManager, email: string): Promise<void> {
    await em.execute('delete from login_attempts where key = ?', [this.keyOf(email)]);
  }

  private keyOf(email: string): Buffer {
    return createHmac('sha256', this.box.derive('login-attempts')).update(email).digest();
  }
}
