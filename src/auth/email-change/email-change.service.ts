import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { hashToken, newToken } from '../../kernel/tokens.js';
import { MailService } from '../../mail/mail.service.js';
import { User } from '../../users/user.entity.js';
import { PasswordCheck } from '../login/password-check.js';
import { cancelResets, RESET_MINUTES, startReset } from '../passwords/password-resets.queries.js';
import { removeRegistrations } from '../registration/registration.queries.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { ChangeEmailRequest } from './email-change.dto.js';
import {
  CONFIRM_MINUTES,
  moveEmail,
  startEmailChange,
  takeConfirmation,
  takeUndo,
  UNDO_MINUTES,
} from './email-change.queries.js';

@Injectable()
export class EmailChangeService {
  constructor(
    private readonly em: EntityManager,
    private readonly check: PasswordCheck,
    private readonly sessions: SessionsService,
    private readonly mail: MailService,
    private readonly audit: AuditService,
  ) {}

  /**
   * Asks for another address; nothing changes until it is confirmed. The old one is told, with a link to undo. For a taken one the same is done, but its owner
   * gets another mail, and the token is shown to nobody.
   * @throws Problem of {@link PasswordCheck.confirm}; `validation_failed` for the present address.
   */
  async request(actor: Actor, { email, currentPassword }: ChangeEmailRequest): Promise<void> {
    const userId = actor.requiredUserId;
    const me = await this.em.findOneOrFail(User, { id: userId }, { failHandler: () => problem('not_found') });
    const account = await this.check.confirm(actor, me.email, currentPassword);
    if (email === me.email) throw invalidField('email', 'email_unchanged', 'This is your address already');
    const token = newToken();
    const undoToken = newToken();
    await asSystem(this.em, async (em) => {
      await this.check.hold(em, account);
      const { ownerName } = await startEmailChange(em, userId, email, {
        confirm: hashToken(token),
        undo: hashToken(undoToken),
      });
      if (ownerName !== null) this.mail.send('registration-attempt', email, { name: ownerName });
      else
        this.mail.send('email-change-confirm', email, { name: me.fullName, token, expiresInMinutes: CONFIRM_MINUTES });
      this.mail.send('email-change-notice', me.email, {
        name: me.fullName,
        newEmail: email,
        token: undoToken,
        expiresInMinutes: UNDO_MINUTES,
      });
      this.audit.record(actor, 'email.change_requested', {
        target: { type: 'user', id: userId },
        before: { email: me.email },
        after: { email },
      });
    });
  }

  /**
   * Confirms with the token of the new address.
   * @throws Problem `link_invalid`, also when the address got an account meanwhile.
   */
  async confirm(actor: Actor, token: string): Promise<void> {
    await asSystem(this.em, async (em) => {
      const change = await takeConfirmation(em, hashToken(token));
      if (!change) throw problem('link_invalid');
      const { user_id: userId, old_email: oldEmail, new_email: newEmail } = change;
      // Before the address moves: who proves a registration of it at this moment has locked it already.
      await removeRegistrations(em, newEmail);
      const person = await moveEmail(em, userId, newEmail);
      if (!person) throw problem('link_invalid');
      await cancelResets(em, userId);
      this.mail.send('email-changed', newEmail, {
        name: person.full_name,
        email: newEmail,
        at: new Date().toISOString(),
      });
      this.audit.record(actor, 'email.changed', {
        userId,
        target: { type: 'user', id: userId },
        before: { email: oldEmail },
        after: { email: newEmail },
      });
    });
  }

  /**
   * Takes a change back with the token of the old address, for 7 days, before or after it was confirmed. Whoever made
   * the change may hold a session and knew the password: every session ends, and the old address gets a link to choose
   * another password.
   * @throws Problem `link_invalid`; `email_taken` when the old address belongs to another account by now.
   */
  async undo(actor: Actor, token: string): Promise<void> {
    await asSystem(this.em, async (em) => {
      const change = await takeUndo(em, hashToken(token));
      if (!change) throw problem('link_invalid');
      const { user_id: userId, old_email: oldEmail, new_email: newEmail } = change;
      const person = await moveEmail(em, userId, oldEmail);
      if (!person) throw problem('email_taken');
      const resetToken = newToken();
      if (await startReset(em, oldEmail, hashToken(resetToken)))
        this.mail.send('password-reset', oldEmail, {
          name: person.full_name,
          token: resetToken,
          expiresInMinutes: RESET_MINUTES,
        });
      await this.sessions.end(em, actor, userId, 'email_change_undone');
      this.mail.send('email-changed', oldEmail, {
        name: person.full_name,
        email: oldEmail,
        at: new Date().toISOString(),
      });
      this.audit.record(actor, 'email.change_undone', {
        userId,
        target: { type: 'user', id: userId },
        before: { email: newEmail },
        after: { email: oldEmail },
      });
    });
  }
}
