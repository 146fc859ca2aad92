import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Schedules } from '../../jobs/schedules.js';
import { Timers } from '../../jobs/timers.js';
import { Actor } from '../../kernel/actor.js';
import { type CursorPage, type CursorQuery, readCursor, toCursorPage } from '../../kernel/lists.js';
import { MailService } from '../../mail/mail.service.js';
import type { CleanupTrouble } from '../../mail/templates/cleanup-alert.js';
import { platformAdmins } from '../../users/platform-admins.js';
import { TYPE_TITLES } from '../expiring-types.js';
import { type AlertRow, clearOthers, findFailed, findGrowing, findLate, listAlerts, raise } from './alerts.queries.js';

const CHECK_EVERY_MS = 5 * 60_000;

/** Tells platform admins when the cleanup does not do what it should, each cause once. */
@Injectable()
export class AlertsService {
  private readonly actor = Actor.system('cleanup');

  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly mail: MailService,
    private readonly schedules: Schedules,
    timers: Timers,
  ) {
    // By a timer of each instance: a schedule would not tell that schedules do not run.
    timers.add({ name: 'cleanup alerts', everyMs: CHECK_EVERY_MS, run: () => this.check() });
  }

  /** Trouble that was told, what is open first. @throws Problem `validation_failed` for a cursor. */
  async list({ cursor, limit }: CursorQuery): Promise<CursorPage<AlertRow>> {
    const after = readCursor(cursor);
    const rows = await asSystem(this.em, (em) => listAlerts(em, after, limit + 1));
    return toCursorPage(rows, limit, ({ id }) => id);
  }

  /** Looks for trouble. What is new of it is told in one mail to each platform admin, and by an entry for each cause. */
  async check(): Promise<void> {
    await asSystem(this.em, async (em) => {
      const missed = await this.findMissed(em);
      const found = [...(await findFailed(em)), ...(await findGrowing(em)), ...missed, ...(await findLate(em))];
      await clearOthers(em, found.map(causeOf));
      const troubles: CleanupTrouble[] = [];
      for (const trouble of found) if (await raise(em, causeOf(trouble))) troubles.push(trouble);
      if (troubles.length === 0) return;
      for (const { kind, ...after } of troubles) this.audit.record(this.actor, ACTIONS[kind], { after });
      for (const { email, name } of await platformAdmins(em))
        this.mail.send('cleanup-alert', email, { name, troubles: troubles.map(inWords) });
      await em.flush();
    });
  }

  /** Schedules whose slot is due and has no run. */
  private async findMissed(em: EntityManager): Promise<CleanupTrouble[]> {
    const tasks = (await this.schedules.tasks(em)).filter(({ id }) => id.startsWith('cleanup-'));
    return tasks.flatMap(({ id, missed }) =>
      missed ? { kind: 'missed', schedule: id, at: missed.toISOString() } : [],
    );
  }
}

const ACTIONS = {
  failed: 'cleanup.run_failed',
  growing: 'cleanup.backlog_grows',
  missed: 'cleanup.slot_not_run',
  late: 'cleanup.slot_missed',
} as const satisfies Record<CleanupTrouble['kind'], string>;

/** What is told once. */
const causeOf = (trouble: CleanupTrouble): string =>
  `${trouble.kind} ${'schedule' in trouble ? trouble.schedule : trouble.type}`;

/** By what people call the type; mails are read by people. */
const inWords = (trouble: CleanupTrouble): CleanupTrouble =>
  'type' in trouble ? { ...trouble, type: TYPE_TITLES[trouble.type] ?? trouble.type } : trouble;
