import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { OrganizationAccess } from '../access/organization-access.js';
import { Plan, type PlanLimit } from './plan.entity.js';
import { holdSeats } from './plans.queries.js';

/** The plan that an organization is on, and what it uses of it. */
export interface OrganizationPlan {
  plan: Plan;
  used: Record<PlanLimit, number>;
  /** Of the organization. */
  version: number;
}

@Injectable()
export class OrganizationPlanService {
  constructor(
    private readonly em: EntityManager,
    private readonly access: OrganizationAccess,
    private readonly audit: AuditService,
  ) {}

  /** The plan of the caller's tenant. */
  async get(actor: Actor): Promise<OrganizationPlan> {
    return this.em.transactional((em) => read(em, actor.requiredOrganizationId));
  }

  /**
   * Puts the tenant on another plan. Domains and custom roles beyond the limits of the new one stay; members cannot be
   * more than its seats.
   * @param version of the organization that the caller read; null for any.
   * @throws Problem `validation_failed` for a plan that does not exist; `precondition_failed`; `seat_limit_reached`.
   */
  async put(actor: Actor, key: string, version: number | null): Promise<OrganizationPlan> {
    const id = actor.requiredOrganizationId;
    const plan = await asSystem(this.em, async (em) => {
      // The organization, then the plan, as whoever joins takes them.
      const organization = await holdOrganization(em, id);
      if (version !== null && organization.version !== version) throw problem('precondition_failed');
      const seats = await holdSeats(em, key);
      if (seats === undefined) throw invalidField('plan', 'plan_unknown', 'There is no such plan');
      if (organization.plan_key !== key) {
        if (seats !== null && organization.member_count > seats)
          throw problem('seat_limit_reached', {
            detail: `The organization has ${organization.member_count} members, the plan ${seats} seats`,
          });
        this.audit.record(actor, 'organization.plan_changed', {
          target: { type: 'organization', id },
          before: { plan: organization.plan_key },
          after: { plan: key },
        });
        await em.execute('update organizations set plan_key = ?, version = version + 1 where id = ?', [key, id]);
        await this.access.announce(em, id);
      }
      return read(em, id);
    });
    this.access.changed([id]);
    return plan;
  }
}

interface HeldOrganization {
  plan_key: string;
  version: number;
  member_count: number;
}

/** Locks an organization as an update does, so that nobody joins or leaves until the transaction ends. */
async function holdOrganization(em: EntityManager, id: string): Promise<HeldOrganization> {
  const [organization] = await em.execute<HeldOrganization[]>(
    'select plan_key, version, member_count from organizations where id = ? for no key update',
    [id],
  );
  // Removed for good since the guard saw it.
  if (!organization) throw problem('not_found');
  return organization;
}

async function read(em: EntityManager, id: string): Promise<OrganizationPlan> {
  const [row] = await em.execute<({ plan_key: string; version: number } & OrganizationPlan['used'])[]>(
    `select o.plan_key, o.version, o.member_count as seats,
            (select count(*)::int from organization_domains d where d.organization_id = o.id) as domains,
            (select count(*)::int from organization_roles r where r.organization_id = o.id) as "customRoles"
       from organizations o where o.id = ?`,
    [id],
  );
  if (!row) throw problem('not_found');
  const { plan_key: key, version, ...used } = row;
  return { plan: await em.findOneOrFail(Plan, { key }), used, version };
}
