import { EntityManager, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Env } from '../../config/env.js';
import { AuditService } from '../audit/audit.service.js';
import { PurgeRules, type PurgeScope } from '../database/purge-rules.js';
import { asSystem } from '../database/tenant-context.js';
import { Outbox } from '../jobs/outbox.service.js';
import type { Actor } from '../kernel/actor.js';
import type { ErrorCode } from '../kernel/errors.js';
import { newId } from '../kernel/ids.js';
import { type CursorPage, type CursorQuery, readCursor, toCursorPage } from '../kernel/lists.js';
import { invalidField, type Problem, problem } from '../kernel/problem.js';
import { readNames } from '../users/names.queries.js';
import type { ExecutePurgeRequest } from './purge.dto.js';
import {
  countTables,
  enterPlan,
  insertPlan,
  listPlans,
  readRemovable,
  readShown,
  readStanding,
  readState,
  removeStalePlans,
  takePlan,
  updatePlan,
} from './purge.queries.js';
import { type PurgeMessage, PURGE_TOPIC } from './purge-runner.js';
import { PurgePlan, type ShownRows } from './purge-plan.entity.js';
import {
  type PurgePlanView,
  type PurgeReportView,
  type PurgeSummaryView,
  toPurgeReportView,
  toPurgeSummary,
} from './purge.view.js';

/** Who executes a plan has signed in no longer ago; as long as a plan lives. */
const RECENT_SECONDS = 15 * 60;

/** Plans purges, takes them on, and shows what came of them. */
@Injectable()
export class PurgeService {
  constructor(
    private readonly em: EntityManager,
    private readonly env: Env,
    private readonly rules: PurgeRules,
    private readonly outbox: Outbox,
    private readonly audit: AuditService,
  ) {}

  /** Counts what a purge would remove, and keeps it as a plan for 15 minutes. Nothing is removed. */
  async plan(actor: Actor, scope: PurgeScope): Promise<PurgePlanView> {
    return asSystem(this.em, async (em) => {
      const planId = newId();
      const patterns = this.env.purgeTestAddresses;
      await removeStalePlans(em);
      await enterPlan(em, patterns);
      const rows = await readRemovable(em, this.rules, scope);
      const phrase = await this.phraseOf(em, scope);
      const plan = { id: planId, scope, phrase, plannedBy: actor.userId, ...(await readState(em, rows)) };
      const { expires_at: expiresAt } = await insertPlan(em, plan);
      // From here on the conditions read the subjects of the plan.
      await enterPlan(em, patterns, planId);
      const tables = await countTables(em, rows);
      await updatePlan(em, planId, 'tables', tables);
      const total = tables.reduce((sum, { remove }) => sum + remove, 0);
      this.audit.record(actor, 'purge.planned', {
        target: { type: 'purge', id: planId },
        after: { scope, rows: total },
      });
      return { planId, phrase, expiresAt: new Date(expiresAt).toISOString(), goes: await readShown(em, rows), tables };
    });
  }

  /**
   * Takes a plan on, once: it is executed outside of the request.
   * @throws Problem `purge_not_allowed`; `reauthentication_required`; `not_found` for what is no plan of the caller's;
   * `validation_failed` for another phrase; `purge_plan_used`, `purge_plan_expired`, `purge_plan_outdated`, `purge_running`.
   * Each refusal is in the trail.
   */
  async execute(actor: Actor, request: ExecutePurgeRequest): Promise<{ planId: string; status: 'queued' }> {
    const { planId } = request;
    const refusal =
      this.refusalOf(actor) ??
      (await asSystem(this.em, (em) => this.take(em, actor, request)).catch((error: unknown) => {
        // Another plan was taken at the same moment.
        if (error instanceof UniqueConstraintViolationException) return problem('purge_running');
        throw error;
      }));
    if (refusal) {
      await asSystem(this.em, async () => {
        const reason = refusal.errors?.[0]?.code ?? refusal.code;
        this.audit.record(actor, 'purge.refused', {
          outcome: 'failure',
          target: { type: 'purge', id: planId },
          reason,
        });
      });
      throw refusal;
    }
    return { planId, status: 'queued' };
  }

  /** A plan, how far it is, and what came of it. @throws Problem `not_found`. */
  async report(planId: string): Promise<PurgeReportView> {
    return asSystem(this.em, async (em) => {
      const plan = await em.findOneOrFail(PurgePlan, planId, { failHandler: () => problem('not_found') });
      const goes = plan.status === 'planned' ? await this.whoGoes(em, plan) : [];
      return toPurgeReportView(plan, await namesOf(em, [plan]), goes);
    });
  }

  /** Plans and purges, newest first. @throws Problem `validation_failed` for a cursor. */
  async list({ cursor, limit }: CursorQuery): Promise<CursorPage<PurgeSummaryView>> {
    const before = readCursor(cursor);
    return asSystem(this.em, async (em) => {
      const { data, meta } = toCursorPage(await listPlans(em, before, limit + 1), limit, ({ id }) => id);
      const names = await namesOf(em, data);
      return { data: data.map((plan) => toPurgeSummary(plan, names)), meta };
    });
  }

  private async whoGoes(em: EntityManager, { id, scope }: PurgePlan): Promise<ShownRows[]> {
    await enterPlan(em, this.env.purgeTestAddresses, id);
    return readShown(em, await readRemovable(em, this.rules, scope));
  }

  private refusalOf({ kind, signIn }: Actor): Problem | null {
    if (!this.env.purgeAllowed) return problem('purge_not_allowed');
    // The command line has no session: whoever reaches it has the database.
    if (kind === 'system' || (signIn !== null && signIn.authTime > Date.now() / 1000 - RECENT_SECONDS)) return null;
    return problem('reauthentication_required', { detail: 'You signed in more than 15 minutes ago; sign in again' });
  }

  /** @returns what stands against it; null when it was taken on. */
  private async take(
    em: EntityManager,
    actor: Actor,
    { planId, confirmation }: ExecutePurgeRequest,
  ): Promise<Problem | null> {
    const standing = await readStanding(em, planId, actor.userId, confirmation);
    if (!standing) return problem('not_found');
    const { scope } = standing;
    if (standing.used) return problem('purge_plan_used');
    if (standing.expired) return problem('purge_plan_expired');
    if (!standing.confirmed)
      return invalidField('confirmation', 'phrase_differs', 'confirmation has to be the phrase of the plan');
    await enterPlan(em, this.env.purgeTestAddresses);
    const { state } = await readState(em, await readRemovable(em, this.rules, scope));
    if (!(await takePlan(em, { id: planId, plannedBy: actor.userId, confirmation, state })))
      return problem(await whyNotTaken(em, planId, state));
    const { userId, sessionId, ip, userAgent, requestId } = actor;
    const message: PurgeMessage = {
      planId,
      by: userId === null ? null : { userId, sessionId, ip, userAgent, requestId },
    };
    this.outbox.add(PURGE_TOPIC, message, { summary: { purge: planId } });
    this.audit.record(actor, 'purge.confirmed', { target: { type: 'purge', id: planId }, after: { scope } });
    return null;
  }

  /** Names installation and scope, so that the phrase of one is no phrase for another. */
  private async phraseOf(em: EntityManager, scope: PurgeScope): Promise<string> {
    const [row] = await em.execute<[{ name: string }]>('select current_database() as name');
    return `purge ${scope} of ${row.name} at ${new URL(this.env.publicUrl).host}`;
  }
}

function namesOf(em: EntityManager, plans: PurgePlan[]): Promise<Map<string, string>> {
  return readNames(em, [...new Set(plans.flatMap(({ plannedBy }) => plannedBy ?? []))]);
}

async function whyNotTaken(em: EntityManager, planId: string, state: string): Promise<ErrorCode> {
  const [now] = await em.execute<[{ used: boolean; outdated: boolean; expired: boolean }]>(
    `select status <> 'planned' as used, state <> ? as outdated, expires_at <= now() as expired from purge_plans where id = ?`,
    [state, planId],
  );
  if (now.used) return 'purge_plan_used';
  if (now.expired) return 'purge_plan_expired';
  return now.outdated ? 'purge_plan_outdated' : 'purge_running';
}
