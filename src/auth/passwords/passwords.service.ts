import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Outbox } from '../../jobs/outbox.service.js';
import { OutboxHandlers } from '../../jobs/outbox-handlers.js';
import type { Actor } from '../../kernel/actor.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { hashToken, newToken } from '../../kernel/tokens.js';
import { MailService } from '../../mail/mail.service.js';
import { User } from '../../users/user.entity.js';
import { Lockout } from '../login/lockout.js';
import { PasswordCheck } from '../login/password-check.js';
import { removeRegistrations } from '../registration/registration.queries.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { PasswordCredentials } from './password-credentials.js';
import type { ChangePasswordRequest, ResetPasswordRequest } from './passwords.dto.js';
import { cancelResets, findReset, RESET_MINUTES, startReset, takeReset } from './password-resets.queries.js';

const FORGOT = 'password.forgot';

@Injectable()
export class PasswordsService implements OnModuleInit {
  constructor(
    private readonly em: EntityManager,
    private readonly credentials: PasswordCredentials,
    private readonly check: PasswordCheck,
    private readonly lockout: Lockout,
    private readonly sessions: SessionsService,
    private readonly mail: MailService,
    private readonly outbox: Outbox,
    private readonly handlers: OutboxHandlers,
    private readonly audit: AuditService,
  ) {}

  onModuleInit(): void {
    this.handlers.register<{ email: string }>(FORGOT, ({ payload }) => this.mailReset(payload.email));
  }

  /** Mails a link to choose a new password, if the address has an account that may sign in. It is never told whether. */
  async forgot(actor: Actor, email: string): Promise<void> {
    await asSystem(this.em, async () => {
      // Looked up afterwards by a job: here a known address takes the same work as an unknown one.
      this.outbox.add(FORGOT, { email });
      this.audit.record(actor, 'password.reset_requested', { userId: null, target: { type: 'email', id: email } });
    });
  }

  private async mailReset(email: string): Promise<void> {
    await asSystem(this.em, async (em) => {
      const token = newToken();
      const person = await startReset(em, email, hashToken(token));
      if (person)
        this.mail.send('password-reset', email, { name: person.full_name, token, expiresInMinutes: RESET_MINUTES });
    });
  }

  /**
   * Sets a password with the token of a mail; every session of the person ends.
   * @throws Problem `link_invalid`; `validation_failed` for a password that the rules refuse, and the token stays good.
   */
  async reset(actor: Actor, { token, password }: ResetPasswordRequest): Promise<void> {
    const tokenHash = hashToken(token);
    // Refused without hashing first: a token that nobody was sent must not cost 16 ms of a core.
    const person = await asSystem(this.em, (em) => findReset(em, tokenHash));
    if (!person) throw problem('link_invalid');
    const { id: userId, email, full_name: fullName } = person;
    const passwordHash = await this.credentials.hashNew('password', password, { email, fullName });
    await asSystem(this.em, async (em) => {
      // Registrations, person, the rest: everybody locks in this order, or two would wait for each other.
      await removeRegistrations(em, email);
      // Whoever reads the mailbox has proven it, and is let in again whatever a stranger tried.
      await em.execute('update users set email_verified_at = coalesce(email_verified_at, now()) where id = ?', [
        userId,
      ]);
      if (!(await takeReset(em, tokenHash))) throw problem('link_invalid');
      await this.credentials.set(em, userId, passwordHash);
      await cancelResets(em, userId);
      await this.lockout.clear(em, email);
      await this.sessions.end(em, actor, userId, 'password_reset');
      this.audit.record(actor, 'password.reset', { userId, target: { type: 'user', id: userId } });
      this.mail.send('password-changed', email, { name: fullName, at: new Date().toISOString() });
    });
  }

  /**
   * Changes the caller's password; every other session ends.
   * @throws Problem of {@link PasswordCheck.confirm}; `validation_failed` for a password that the rules refuse.
   */
  async change(actor: Actor, { currentPassword, newPassword }: ChangePasswordRequest): Promise<void> {
    const userId = actor.requiredUserId;
    const { email, fullName } = await this.em.findOneOrFail(
      User,
      { id: userId },
      { failHandler: () => problem('not_found') },
    );
    const account = await this.check.confirm(actor, email, currentPassword);
    if (newPassword.normalize('NFC') === currentPassword.normalize('NFC'))
      throw invalidField('newPassword', 'password_unchanged', 'The new password is the present one');
    const passwordHash = await this.credentials.hashNew('newPassword', newPassword, { email, fullName });
    await asSystem(this.em, async (em) => {
      await this.check.hold(em, account);
      await this.credentials.set(em, userId, passwordHash);
      await cancelResets(em, userId);
      await this.sessions.end(em, actor, userId, 'password_changed', { except: actor.sessionId });
      this.audit.record(actor, 'password.changed', { target: { type: 'user', id: userId } });
      this.mail.send('password-changed', email, { name: fullName, at: new Date().toISOString() });
    });
  }
}
