import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Env } from '../../../config/env.js';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import { FatalStartError, Readiness } from '../../kernel/readiness.js';
import { newToken } from '../../kernel/tokens.js';
import { normalizeEmail } from '../../users/email.js';
import { Lockout } from '../login/lockout.js';
import { PasswordCredentials } from '../passwords/password-credentials.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { checkPassword } from '../passwords/password-rules.js';

const GENERATED_EMAIL = 'admin@tenon.localhost';
/** 144 bits in 24 characters. */
const GENERATED_PASSWORD_BYTES = 18;
/** Two instances at once on an empty database make one admin. */
const FIRST_ADMIN_LOCK = 7_362_640_107;

/** What ADMIN_EMAIL and ADMIN_PASSWORD cannot be: known before a database is installed for nothing. */
export function firstAdminProblems({ adminEmail, adminPassword, passwordMinLength: minLength }: Env): string[] {
  const email = normalizeEmail(adminEmail ?? GENERATED_EMAIL);
  const identity = { email: email ?? '', fullName: '' };
  const refusals = adminPassword === undefined ? [] : checkPassword(adminPassword, { minLength, identity });
  return [
    ...(email === null ? ['ADMIN_EMAIL is no e-mail address'] : []),
    ...(refusals.length > 0 ? [`ADMIN_PASSWORD is refused: ${refusals.map(({ message }) => message).join('; ')}`] : []),
  ];
}

/**
 * The people who administer the platform: the first is made at the first start, others by `npm run admin:grant`; `npm run
 * admin:reset` gives one a new password.
 */
@Injectable()
export class PlatformAdminService {
  constructor(
    private readonly em: EntityManager,
    private readonly env: Env,
    private readonly hasher: PasswordHasher,
    private readonly credentials: PasswordCredentials,
    private readonly lockout: Lockout,
    private readonly sessions: SessionsService,
    private readonly audit: AuditService,
    private readonly readiness: Readiness,
  ) {
    readiness.addStep({ name: 'platform admin', run: () => this.ensure() });
  }

  /** Makes the first platform admin if there is none, and leaves what to print with {@link Readiness}. */
  private async ensure(): Promise<void> {
    const problems = firstAdminProblems(this.env);
    if (problems.length > 0) throw new FatalStartError(problems.join('; '));
    const email = normalizeEmail(this.env.adminEmail ?? GENERATED_EMAIL)!;
    const password = this.env.adminPassword ?? newToken(GENERATED_PASSWORD_BYTES);
    const fullName = 'Platform admin';
    const made = await asSystem(this.em.fork(), async (em) => {
      await em.execute('select pg_advisory_xact_lock(?)', [FIRST_ADMIN_LOCK]);
      const [existing] = await em.execute<{ id: string }[]>(
        `select id from users where platform_role = 'admin' limit 1`,
      );
      if (existing) return false;
      const [user] = await em.execute<{ id: string }[]>(
        `insert into users as u (id, email, email_verified_at, full_name, status, platform_role, created_at, updated_at)
         values (?, ?, now(), ?, 'active', 'admin', now(), now())
         on conflict (email) do update set platform_role = 'admin', updated_at = now() where u.status = 'active'
         returning id`,
        [newId(), email, fullName],
      );
      if (!user) throw new FatalStartError(`There is no platform admin, and the account of ${email} is disabled`);
      await this.credentials.set(em, user.id, await this.hasher.hash(password));
      this.audit.record(Actor.system('start'), 'platform_admin.created', {
        userId: user.id,
        target: { type: 'user', id: user.id },
        after: { email },
      });
      return true;
    });
    if (made)
      this.readiness.notices.push(...announcement(email, this.env.adminPassword === undefined ? password : null));
  }

  /**
   * Makes a person a platform admin, from their next request on.
   * @returns whether they were none before; null when no active account has verified this address.
   */
  async grant(email: string): Promise<boolean | null> {
    return asSystem(this.em.fork(), async (em) => {
      const [user] = await em.execute<{ id: string; platform_role: string | null }[]>(
        `select id, platform_role from users
          where email = ? and status = 'active' and email_verified_at is not null for update`,
        [normalizeEmail(email)],
      );
      if (!user) return null;
      if (user.platform_role === 'admin') return false;
      await em.execute(`update users set platform_role = 'admin', updated_at = now() where id = ?`, [user.id]);
      this.audit.record(Actor.system('admin:grant'), 'platform_admin.granted', {
        userId: user.id,
        target: { type: 'user', id: user.id },
        before: { platformRole: null },
        after: { platformRole: 'admin' },
      });
      return true;
    });
  }

  /**
   * Gives a platform admin a new generated password, ends every session and forgets failed attempts.
   * @returns the password; null when no active platform admin has this address.
   */
  async reset(email: string): Promise<string | null> {
    const normalized = normalizeEmail(email);
    const password = newToken(GENERATED_PASSWORD_BYTES);
    const passwordHash = await this.hasher.hash(password);
    return asSystem(this.em.fork(), async (em) => {
      const [user] = await em.execute<{ id: string; email: string }[]>(
        `select id, email from users where email = ? and platform_role = 'admin' and status = 'active' for update`,
        [normalized],
      );
      if (!user) return null;
      const actor = Actor.system('admin:reset');
      await this.credentials.set(em, user.id, passwordHash);
      await this.lockout.clear(em, user.email);
      await this.sessions.end(em, actor, user.id, 'password_reset');
      this.audit.record(actor, 'password.reset', { userId: user.id, target: { type: 'user', id: user.id } });
      return password;
    });
  }
}

function announcement(email: string, password: string | null): string[] {
  const secret = password ? `password: ${password}   (shown once)` : 'password: as ADMIN_PASSWORD says';
  return [`Platform admin: ${email}`, `      ${secret}`];
}
