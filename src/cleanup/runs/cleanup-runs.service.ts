import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Outbox } from '../../jobs/outbox.service.js';
import { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import { CleanupRun, CleanupRunType, type RunTrigger } from './cleanup-run.entity.js';
import { RUN_TOPIC, type RunMessage } from './cleanup-runner.js';

/** Rows of a batch: 1,000 take about 5 ms. */
export const BATCH_SIZE = 1_000;

/** What a run is to do. */
export interface RunWish {
  types: readonly string[];
  batchSize?: number;
  dryRun?: boolean;
  trigger: RunTrigger;
}

/** A slot of a schedule. */
export interface Slot {
  scheduleId: string;
  slot: Date;
}

/** Runs of the cleanup: asked for here, done by the runner. */
@Injectable()
export class CleanupRunsService {
  constructor(
    private readonly em: EntityManager,
    private readonly outbox: Outbox,
    private readonly audit: AuditService,
  ) {}

  /** Takes a run on; it is done outside of the request. @returns its id, and that of the message that asks for it. */
  async request(actor: Actor, wish: RunWish): Promise<{ runId: string; messageId: string }> {
    return asSystem(this.em, async (em) => {
      const asked = this.create(em, actor, wish, null);
      await em.flush();
      return asked;
    });
  }

  /**
   * Takes the run of a slot on, once, however often and by whoever it is asked for.
   * @param id of the run, where somebody waits for it by that.
   */
  async requestSlot({ scheduleId, slot }: Slot, types: readonly string[], id = newId()): Promise<void> {
    if (types.length === 0) return;
    await asSystem(this.em, async (em) => {
      // Two at once: the second one waits for the first, and then finds its run.
      await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`cleanup ${scheduleId}`]);
      if ((await em.count(CleanupRun, { scheduleId, slot })) > 0) return;
      this.create(em, Actor.system('cleanup'), { types, trigger: 'schedule' }, { scheduleId, slot }, id);
      await em.flush();
    });
  }

  /** A run with its types; null when there is none of that id. */
  async find(id: string): Promise<CleanupRun | null> {
    return asSystem(this.em, (em) => em.findOne(CleanupRun, id, { populate: ['types'] }));
  }

  private create(
    em: EntityManager,
    actor: Actor,
    { types, batchSize = BATCH_SIZE, dryRun = false, trigger }: RunWish,
    slot: Slot | null,
    id = newId(),
  ): { runId: string; messageId: string } {
    const run = em.create(CleanupRun, {
      id,
      trigger,
      ...slot,
      batchSize,
      dryRun,
      status: 'queued',
      requestedBy: actor.userId,
      createdAt: new Date(),
    });
    for (const [position, type] of types.entries()) em.create(CleanupRunType, { run, type, position });
    this.audit.record(actor, 'cleanup.requested', {
      target: { type: 'cleanup_run', id },
      userId: null,
      after: { types: types.join(', '), batchSize, dryRun, ...(slot && { slot: slot.slot.toISOString() }) },
    });
    const messageId = this.outbox.add(RUN_TOPIC, { runId: id } satisfies RunMessage, { summary: { run: id } });
    return { runId: id, messageId };
  }
}
