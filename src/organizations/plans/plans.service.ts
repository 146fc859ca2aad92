import { EntityManager, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import type { PageQuery } from '../../kernel/lists.js';
import { problem } from '../../kernel/problem.js';
import { PlanRemoval } from './plan-removal.js';
import { Plan, STANDARD_PLAN } from './plan.entity.js';
import type { CreatePlanRequest, UpdatePlanRequest } from './plans.dto.js';
import { countAbove, countOn, holdPlan } from './plans.queries.js';

/** The subscription tiers of the installation. */
@Injectable()
export class PlansService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly removal: PlanRemoval,
  ) {}

  /** The plans, by key. */
  async list({ page, perPage }: PageQuery): Promise<[Plan[], number]> {
    return this.em.findAndCount(Plan, {}, { orderBy: { key: 'asc' }, limit: perPage, offset: (page - 1) * perPage });
  }

  /** @throws Problem `not_found`. */
  async get(key: string): Promise<Plan> {
    const plan = await this.em.findOne(Plan, { key });
    if (!plan) throw problem('not_found');
    return plan;
  }

  /** @throws Problem `conflict` when the key is taken. */
  async create(actor: Actor, { key, name, description = null, limits }: CreatePlanRequest): Promise<Plan> {
    const { seats = null, domains = null, customRoles = null } = limits;
    const now = new Date();
    const after = { name, description, seats, domains, customRoles };
    try {
      return await asSystem(this.em, async (em) => {
        const plan = Object.assign(new Plan(), { key, ...after, version: 1, createdAt: now, updatedAt: now });
        em.persist(plan);
        this.audit.record(actor, 'plan.created', { target: { type: 'plan', id: key }, after });
        await em.flush();
        return plan;
      });
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      throw problem('conflict', { detail: `There is a plan "${key}" already`, cause: error });
    }
  }

  /**
   * Changes a plan. What is left out stays, null clears.
   * @param version that the caller read; null for any.
   * @throws Problem `not_found`; `precondition_failed`; `seat_limit_reached` when an organization has more members than
   * the new number of seats.
   */
  async update(
    actor: Actor,
    key: string,
    { limits, ...texts }: UpdatePlanRequest,
    version: number | null,
  ): Promise<Plan> {
    return asSystem(this.em, async (em) => {
      const plan = await holdPlan(em, key, version);
      const changes = { ...texts, ...limits };
      const fields = Object.keys(changes) as (keyof typeof changes)[];
      const changed = fields.filter(
        (field) => changes[field] !== undefined && changes[field] !== (plan[field] ?? null),
      );
      if (changed.length === 0) return plan;
      if (changed.includes('seats') && changes.seats != null) await this.refuseSeatsInUse(em, key, changes.seats);
      const after = Object.fromEntries(changed.map((field) => [field, changes[field]]));
      this.audit.record(actor, 'plan.updated', {
        target: { type: 'plan', id: key },
        before: Object.fromEntries(changed.map((field) => [field, plan[field] ?? null])),
        after,
      });
      Object.assign(plan, after, { version: plan.version + 1 });
      await em.flush();
      return plan;
    });
  }

  /**
   * Removes a plan, and what it gives of features.
   * @param version that the caller read; null for any.
   * @throws Problem `not_found`; `precondition_failed`; `plan_in_use`; `conflict` for the standard plan.
   */
  async remove(actor: Actor, key: string, version: number | null): Promise<void> {
    if (key === STANDARD_PLAN) throw problem('conflict', { detail: 'Every new organization is on this plan' });
    await this.removal.run(actor, key, async (em) => {
      const plan = await holdPlan(em, key, version);
      const organizations = await countOn(em, key);
      if (organizations > 0) throw problem('plan_in_use', { detail: `Organizations on this plan: ${organizations}` });
      const { name, description, seats, domains, customRoles } = plan;
      this.audit.record(actor, 'plan.deleted', {
        target: { type: 'plan', id: key },
        before: { name, description, seats, domains, customRoles },
      });
      await em.remove(plan).flush();
    });
  }

  /** The plan is held: whoever joins meanwhile waits, and then meets the new number. */
  private async refuseSeatsInUse(em: EntityManager, key: string, seats: number): Promise<void> {
    const above = await countAbove(em, key, seats);
    if (above > 0)
      throw problem('seat_limit_reached', {
        detail: `Organizations on this plan with more than ${seats} members: ${above}`,
      });
  }
}
