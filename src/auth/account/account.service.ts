import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { MailService } from '../../mail/mail.service.js';
import { OrganizationsService } from '../../organizations/organizations.service.js';
import { User } from '../../users/user.entity.js';
import { UserEvents } from '../../users/user-events.js';
import { isLastAdmin } from '../../users/users.service.js';
import { PasswordCheck } from '../login/password-check.js';
import { removeRegistrations } from '../registration/registration.queries.js';
import { SessionsService } from '../sessions/sessions.service.js';

/** The end of an account, and what its being disabled means for whoever is signed in. */
@Injectable()
export class AccountService implements OnModuleInit {
  constructor(
    private readonly em: EntityManager,
    private readonly events: UserEvents,
    private readonly check: PasswordCheck,
    private readonly sessions: SessionsService,
    private readonly organizations: OrganizationsService,
    private readonly mail: MailService,
    private readonly audit: AuditService,
  ) {}

  onModuleInit(): void {
    this.events.onDisabled(async (em, actor, user) => {
      await this.sessions.end(em, actor, user.id, 'user_disabled');
      this.mail.send('account-disabled', user.email, { name: user.fullName });
    });
  }

  /**
   * Deletes the caller's account: sessions, password and memberships go, name and address are removed, and the address
   * is free again. The trail keeps the id.
   * @throws Problem of {@link PasswordCheck.confirm}; `last_owner`; `last_admin`.
   */
  async delete(actor: Actor, currentPassword: string): Promise<void> {
    const userId = actor.requiredUserId;
    const me = await this.em.findOneOrFail(User, { id: userId }, { failHandler: () => problem('not_found') });
    const account = await this.check.confirm(actor, me.email, currentPassword);
    await asSystem(this.em, async (em) => {
      // Before the person's own row is locked: of two admins at once each would hold what the other waits for.
      if (me.platformRole === 'admin' && (await isLastAdmin(em, userId))) throw problem('last_admin');
      await removeRegistrations(em, me.email);
      await this.check.hold(em, account);
      if (await this.organizations.isLastOwner(em, userId)) throw problem('last_owner');
      await this.organizations.removeFromAll(em, actor, userId);
      await this.sessions.end(em, actor, userId, 'user_deleted');
      for (const table of ['password_credentials', 'password_resets', 'email_changes'])
        await em.execute(`delete from ${table} where user_id = ?`, [userId]);
      // RFC 2606 keeps .invalid from ever being a mailbox; the id keeps it unique.
      await em.execute(
        `update users set status = 'deleted', platform_role = null, full_name = 'Deleted user', locale = null, time_zone = null,
                email = id || '@deleted.invalid', email_verified_at = null, updated_at = now()
          where id = ?`,
        [userId],
      );
      this.mail.send('account-deletion-confirmed', me.email, { name: me.fullName });
      this.audit.record(actor, 'user.deleted', {
        target: { type: 'user', id: userId },
        before: { status: 'active' },
        after: { status: 'deleted' },
      });
    });
  }
}
