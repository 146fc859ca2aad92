import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Actor } from '../../kernel/actor.js';
import { MailService } from '../../mail/mail.service.js';
import type { CleanupTrouble } from '../../mail/templates/cleanup-alert.js';
import { platformAdmins } from '../../users/platform-admins.js';
import { EXPIRING_TYPES } from '../expiring-types.js';
import { clearOthers, findFailed, findGrowing, findLate, raise, recordBacklog } from './alerts.queries.js';

/** Tells platform admins when the cleanup does not do what it should, each cause once. */
@Injectable()
export class AlertsService {
  private readonly actor = Actor.system('cleanup');

  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly mail: MailService,
  ) {}

  /** Counts what has expired and is still there, type by type. @param slot the time that it stands for. */
  async look(signal: AbortSignal, slot: Date): Promise<void> {
    for (const type of EXPIRING_TYPES) {
      signal.throwIfAborted();
      await asSystem(this.em, async (em) => recordBacklog(em, slot, type.name, await type.count(em)));
    }
  }

  /** Looks for trouble. What is new of it is told in one mail to each platform admin, and by an entry for each cause. */
  async check(): Promise<void> {
    await asSystem(this.em, async (em) => {
      const found = [...(await findFailed(em)), ...(await findGrowing(em)), ...(await findLate(em))];
      await clearOthers(em, found.map(causeOf));
      const troubles: CleanupTrouble[] = [];
      for (const trouble of found) if (await raise(em, causeOf(trouble))) troubles.push(trouble);
      if (troubles.length === 0) return;
      for (const { kind, ...after } of troubles) this.audit.record(this.actor, ACTIONS[kind], { after });
      for (const { email, name } of await platformAdmins(em))
        this.mail.send('cleanup-alert', email, { name, troubles });
      await em.flush();
    });
  }
}

const ACTIONS = {
  failed: 'cleanup.run_failed',
  growing: 'cleanup.backlog_grows',
  late: 'cleanup.slot_missed',
} as const satisfies Record<CleanupTrouble['kind'], string>;

/** What is told once. */
const causeOf = (trouble: CleanupTrouble): string =>
  `${trouble.kind} ${trouble.kind === 'late' ? trouble.schedule : trouble.type}`;
