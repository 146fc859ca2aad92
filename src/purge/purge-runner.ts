import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Env } from '../../config/env.js';
import { AuditService } from '../audit/audit.service.js';
import { ChangeBus } from '../database/change-bus.js';
import { PurgeRules } from '../database/purge-rules.js';
import { asSystem } from '../database/tenant-context.js';
import { failureText } from '../jobs/failure-text.js';
import { type DeliverableMessage, OutboxHandlers } from '../jobs/outbox-handlers.js';
import { Actor, type Origin } from '../kernel/actor.js';
import {
  completePlan,
  countTables,
  enterPlan,
  type Reached,
  readRemovable,
  removeBatch,
  startPlan,
  updatePlan,
  writeResult,
} from './purge.queries.js';
import { PurgePlan } from './purge-plan.entity.js';
import { PurgeVerification } from './purge-verification.js';
import { hasPassed } from './purge.view.js';
import type { RemovableRows } from './removable-rows.js';
import type { Table } from './tables.queries.js';

export const PURGE_TOPIC = 'purge';

/** Who confirmed a plan, as the trail has to tell it; null for the command line. */
export interface PurgeMessage {
  planId: string;
  by: (Origin & { userId: string; sessionId: string | null }) | null;
}

/** Half an hour of batches a try; the next one goes on where it ended. */
const POLICY = { timeLimitMs: 30 * 60_000, firstDelayMs: 1_000, maxDelayMs: 60_000, maxAttempts: 50 };
/** A deadlock, or a row that somebody holds: mostly over at the next try. */
const TRIES = 3;

/**
 * Executes plans, outside of requests, in the outbox's delivery of the message that asks for it: one worker has it, and a
 * killed one frees it. Each batch commits by itself together with what it adds to the report, so that nothing is counted
 * twice or forgotten; whoever goes on finds the rest.
 */
@Injectable()
export class PurgeRunner {
  /** Beside the transaction of the delivery. */
  private readonly own: EntityManager;

  constructor(
    private readonly em: EntityManager,
    private readonly env: Env,
    private readonly rules: PurgeRules,
    private readonly bus: ChangeBus,
    private readonly audit: AuditService,
    private readonly verification: PurgeVerification,
    handlers: OutboxHandlers,
  ) {
    this.own = em.fork({ disableContextResolution: true });
    handlers.register<PurgeMessage>(PURGE_TOPIC, (message) => this.run(message), POLICY);
  }

  private async run({ payload: { planId, by }, signal }: DeliverableMessage<PurgeMessage>): Promise<void> {
    const { plan, rows } = await this.begin(planId);
    for (const { table } of plan.tables) if (!rows.find(table)) await this.note(planId, table, 'not found');
    for (const table of rows.tables) {
      const condition = rows.conditionOf(table);
      if (condition && table.deletable) await this.purge(planId, table, condition, signal);
    }
    await this.noteWhatWentAlong(planId, rows);
    const checks = await this.verification.run(planId, rows);
    await asSystem(this.em, async (em) => {
      await completePlan(em, planId, checks);
      const done = await em.findOneOrFail(PurgePlan, planId);
      const results = Object.entries(done.results);
      this.audit.record(actorOf(by), 'purge.completed', {
        outcome: hasPassed(done) ? 'success' : 'failure',
        target: { type: 'purge', id: planId },
        after: {
          scope: done.scope,
          rows: results.reduce((sum, [, result]) => sum + result.rows, 0),
          tables: Object.fromEntries(
            results.flatMap(([name, result]) => (result.rows > 0 ? [[name, result.rows]] : [])),
          ),
          failed: results.flatMap(([name, { outcome }]) => (outcome === 'failed' ? [name] : [])),
          checks: Object.fromEntries(checks.map(({ name, passed }) => [name, passed])),
        },
      });
    });
  }

  private begin(planId: string): Promise<{ plan: PurgePlan; rows: RemovableRows }> {
    return this.inPlan(planId, async (em) => {
      await startPlan(em, planId);
      const plan = await em.findOneOrFail(PurgePlan, planId);
      const rows = await readRemovable(em, this.rules, plan.scope);
      if (!plan.before) await updatePlan(em, planId, 'before', await countTables(em, rows));
      return { plan, rows };
    });
  }

  /** Empties a table of what is to go. What fails is in the report, and the other tables have their turn. */
  private async purge(planId: string, table: Table, condition: string, signal: AbortSignal): Promise<void> {
    try {
      let reached: Reached = null;
      do {
        signal.throwIfAborted();
        reached = await this.removeNext(planId, table, condition, reached);
      } while (reached);
      await this.finish(planId, table);
    } catch (error) {
      if (signal.aborted) throw error;
      await this.note(planId, table.name, 'failed', failureText(error));
    }
  }

  private async removeNext(planId: string, table: Table, condition: string, after: Reached): Promise<Reached> {
    for (let tries = 1; ; tries += 1)
      try {
        return await this.inPlan(planId, async (em) => {
          const { removed, reached } = await removeBatch(em, table, condition, after);
          await writeResult(em, planId, table.name, { outcome: null, removed, detail: null });
          return reached;
        });
      } catch (error) {
        if (tries === TRIES) throw error;
      }
  }

  /** What is kept in memory of the table is read anew by every instance, from the commit of its last rows on. */
  private async finish(planId: string, { name }: Table): Promise<void> {
    await this.inPlan(planId, async (em) => {
      const { results } = await em.findOneOrFail(PurgePlan, planId);
      const gone = (results[name]?.rows ?? 0) > 0;
      const { afterwards } = this.rules.of(name) ?? {};
      if (gone && afterwards) await em.execute(afterwards);
      if (gone) await this.bus.announceEverything(em);
      await writeResult(em, planId, name, { outcome: gone ? 'purged' : 'already clean', removed: 0, detail: null });
    });
  }

  /** Tables that nobody deletes from: their rows went with what they hang on. */
  private async noteWhatWentAlong(planId: string, rows: RemovableRows): Promise<void> {
    const along = rows.tables.filter((table) => !table.deletable && rows.conditionOf(table) !== null);
    await this.inPlan(planId, async (em) => {
      const { before, results } = await em.findOneOrFail(PurgePlan, planId);
      const after = new Map((await countTables(em, rows)).map((counted) => [counted.table, counted]));
      for (const { name } of along) {
        const was = before?.find(({ table }) => table === name)?.remove ?? 0;
        const gone = Math.max(0, was - after.get(name)!.remove);
        const removed = gone - (results[name]?.rows ?? 0);
        await writeResult(em, planId, name, { outcome: gone > 0 ? 'purged' : 'already clean', removed, detail: null });
      }
    });
  }

  private async note(planId: string, table: string, outcome: 'not found' | 'failed', detail: string | null = null) {
    await this.inPlan(planId, (em) => writeResult(em, planId, table, { outcome, removed: 0, detail }));
  }

  private inPlan<T>(planId: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    return asSystem(this.own, async (em) => {
      await enterPlan(em, this.env.purgeTestAddresses, planId);
      return work(em);
    });
  }
}

function actorOf(by: PurgeMessage['by']): Actor {
  return by ? Actor.user(by, { ...by, platformRole: 'admin' }) : Actor.system('purge');
}
