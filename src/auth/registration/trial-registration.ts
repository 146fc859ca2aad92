import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Outbox } from '../../jobs/outbox.service.js';
import { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import { newToken } from '../../kernel/tokens.js';
import type { MailPayload } from '../../mail/mail.service.js';
import { RegistrationService } from './registration.service.js';

/** Registers somebody as anybody would, and removes them again: whether the product still takes people. */
@Injectable()
export class TrialRegistration {
  private readonly own: EntityManager;

  constructor(
    em: EntityManager,
    private readonly registrations: RegistrationService,
    private readonly outbox: Outbox,
    private readonly audit: AuditService,
  ) {
    this.own = em.fork({ disableContextResolution: true });
  }

  /**
   * Registers and verifies an address that can be no mailbox (RFC 2606 keeps .invalid), each in a transaction that
   * commits. Its mail is taken back before anybody could send it; the trail keeps what happened.
   * @throws whatever stands in the way of a registration.
   */
  async run(actor: Actor): Promise<void> {
    const email = `trial.${newId()}@tenon.invalid`;
    try {
      const token = await asSystem(this.own, async (em) => {
        await this.registrations.register(actor, { email, password: newToken(), fullName: 'Trial registration' });
        await em.flush();
        return this.takeToken(em, email);
      });
      await asSystem(this.own, () => this.registrations.verify(actor, token));
    } finally {
      await asSystem(this.own, (em) => this.remove(em, actor, email));
    }
  }

  private async takeToken(em: EntityManager, email: string): Promise<string> {
    const [mail] = await em.execute<{ id: string; payload: string }[]>(
      `delete from outbox where topic = 'mail' and summary ->> 'to' = ? returning id, payload`,
      [email],
    );
    const { data } = this.outbox.open<MailPayload>(mail!.id, mail!.payload);
    return (data as { token: string }).token;
  }

  private async remove(em: EntityManager, actor: Actor, email: string): Promise<void> {
    await em.execute('delete from registrations where email = ?', [email]);
    const [user] = await em.execute<{ id: string }[]>('delete from users where email = ? returning id', [email]);
    if (user) this.audit.record(actor, 'user.deleted', { userId: user.id, target: { type: 'user', id: user.id } });
  }
}
