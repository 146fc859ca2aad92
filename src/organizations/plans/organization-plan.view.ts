import { ApiProperty } from '@nestjs/swagger';
import type { OrganizationPlan } from './organization-plan.service.js';
import { PlanView, toPlanView } from './plans.view.js';

/** How much of a limit is used. */
export class UsageView {
  /**
   * So many there are; more than the limit only where it was lowered since.
   * @example 12
   */
  used!: number;
  /** So many the plan allows; null for no limit. */
  @ApiProperty({ type: 'integer', nullable: true, example: 25 })
  limit!: number | null;
}

/** What is used of each limit. */
export class PlanUsageView {
  /** Members. */
  seats!: UsageView;
  /** Claimed domains, proven or not. */
  domains!: UsageView;
  /** Custom roles. */
  customRoles!: UsageView;
}

/** The plan of an organization, and what it uses of it. */
export class OrganizationPlanView {
  /** The plan. */
  plan!: PlanView;
  /** What is used of each limit. */
  usage!: PlanUsageView;
  /**
   * The version of the organization, which a change of its plan raises; the ETag holds it.
   * @example 3
   */
  version!: number;
}

export function toOrganizationPlanView({ plan, used, version }: OrganizationPlan): OrganizationPlanView {
  const view = toPlanView(plan);
  const { limits } = view;
  return {
    plan: view,
    usage: {
      seats: { used: used.seats, limit: limits.seats },
      domains: { used: used.domains, limit: limits.domains },
      customRoles: { used: used.customRoles, limit: limits.customRoles },
    },
    version,
  };
}
