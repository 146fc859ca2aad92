import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Env } from '../../../config/env.js';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Outbox } from '../../jobs/outbox.service.js';
import { OutboxHandlers } from '../../jobs/outbox-handlers.js';
import type { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import { problem } from '../../kernel/problem.js';
import { hashToken, newToken } from '../../kernel/tokens.js';
import { MailService } from '../../mail/mail.service.js';
import { OrganizationsService } from '../../organizations/organizations.service.js';
import { PasswordCredentials } from '../passwords/password-credentials.js';
import type { RegisterRequest } from './registration.dto.js';
import {
  insertRegistration,
  renewNewestRegistration,
  takeRegistration,
  VERIFY_MINUTES,
  verifyPerson,
} from './registration.queries.js';
import type { RegisteredView } from './registration.view.js';

const RESEND = 'registration.resend';

@Injectable()
export class RegistrationService implements OnModuleInit {
  constructor(
    private readonly em: EntityManager,
    private readonly env: Env,
    private readonly credentials: PasswordCredentials,
    private readonly organizations: OrganizationsService,
    private readonly mail: MailService,
    private readonly outbox: Outbox,
    private readonly handlers: OutboxHandlers,
    private readonly audit: AuditService,
  ) {}

  onModuleInit(): void {
    this.handlers.register<{ email: string }>(RESEND, ({ payload }) => this.mailAgain(payload.email));
  }

  /**
   * Takes a registration and mails its link. For an address that has an account the same is done and written, but the
   * mail tells its owner instead, and the registration's token is never shown to anybody: answer and work do not
   * differ (OWASP Authentication Cheat Sheet, user enumeration).
   * @throws Problem `validation_failed` for a password that the rules refuse.
   */
  async register(actor: Actor, request: RegisterRequest): Promise<RegisteredView> {
    const { email, fullName } = request;
    const passwordHash = await this.credentials.hashNew('password', request.password, { email, fullName });
    const userId = newId();
    const token = newToken();
    await asSystem(this.em, async (em) => {
      const { ownerName } = await insertRegistration(em, {
        ...request,
        userId,
        passwordHash,
        tokenHash: hashToken(token),
        ip: actor.ip,
      });
      if (ownerName !== null) this.mail.send('registration-attempt', email, { name: ownerName });
      else
        this.mail.send('verify-email', email, {
          name: fullName,
          token,
          expiresInMinutes: VERIFY_MINUTES,
          registered: { at: new Date().toISOString(), ip: actor.ip },
        });
      this.audit.record(actor, 'registration.requested', { userId: null, target: { type: 'email', id: email } });
    });
    return {
      success: true,
      message: 'Check your mail to verify the address',
      userId,
      email,
      requiresVerification: true,
      emailSent: this.env.mailUrl !== undefined,
    };
  }

  /**
   * Proves an address: makes the person, with the password, name and organization of this registration, and removes
   * every other registration of the address.
   * @throws Problem `link_invalid` for a used, expired or unknown token, or when the address got an account meanwhile.
   */
  async verify(actor: Actor, token: string): Promise<void> {
    await asSystem(this.em, async (em) => {
      const registration = await takeRegistration(em, hashToken(token));
      if (!registration || !(await verifyPerson(em, registration))) throw problem('link_invalid');
      const { user_id: userId, email, full_name: fullName, organization_name: organizationName } = registration;
      await this.credentials.set(em, userId, registration.password_hash);
      this.audit.record(actor, 'user.registered', {
        userId,
        target: { type: 'user', id: userId },
        after: { email, fullName },
      });
      if (organizationName !== null)
        await this.organizations.found(em, actor, { ownerId: userId, name: organizationName });
    });
  }

  /** Mails the newest waiting registration's link again; the old link stops working. What it finds is never told. */
  async resend(actor: Actor, email: string): Promise<void> {
    await asSystem(this.em, async () => {
      // Looked up afterwards by a job: here a known address takes the same work as an unknown one.
      this.outbox.add(RESEND, { email });
      this.audit.record(actor, 'registration.resend_requested', { userId: null, target: { type: 'email', id: email } });
    });
  }

  private async mailAgain(email: string): Promise<void> {
    await asSystem(this.em, async (em) => {
      const token = newToken();
      const renewed = await renewNewestRegistration(em, email, { tokenHash: hashToken(token) });
      if (renewed)
        this.mail.send('verify-email', email, {
          name: renewed.fullName,
          token,
          expiresInMinutes: VERIFY_MINUTES,
          registered: renewed.registered,
        });
    });
  }
}
