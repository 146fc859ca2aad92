import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import type { Plan } from './plan.entity.js';

/** What a plan limits; null is no limit. */
export class PlanLimitsView {
  /** Members at most. */
  @ApiProperty({ type: 'integer', nullable: true, example: 25 })
  seats!: number | null;
  /** Claimed domains at most. */
  @ApiProperty({ type: 'integer', nullable: true, example: 3 })
  domains!: number | null;
  /** Custom roles at most. */
  @ApiProperty({ type: 'integer', nullable: true, example: 5 })
  customRoles!: number | null;
}

/** A subscription tier. */
export class PlanView {
  /**
   * What it is known by.
   * @example team
   */
  key!: string;
  /**
   * What it is called.
   * @example "Team"
   */
  name!: string;
  /** What it is for. */
  @ApiProperty({ type: String, nullable: true, example: 'For teams of up to 25' })
  description!: string | null;
  /** What it limits. */
  limits!: PlanLimitsView;
  /**
   * Counts its changes; the ETag holds it.
   * @example 3
   */
  version!: number;
  /**
   * When it was made.
   * @example 2026-11-21T08:00:00.000Z
   */
  createdAt!: string;
  /**
   * When it was last changed.
   * @example 2026-11-21T08:00:00.000Z
   */
  updatedAt!: string;
}

/** A page of plans. */
export class PlanPageView {
  /** The plans of this page. */
  data!: PlanView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toPlanView(plan: Plan): PlanView {
  const { key, name, version } = plan;
  return {
    key,
    name,
    description: plan.description ?? null,
    limits: { seats: plan.seats ?? null, domains: plan.domains ?? null, customRoles: plan.customRoles ?? null },
    version,
    createdAt: plan.createdAt.toISOString(),
    updatedAt: plan.updatedAt.toISOString(),
  };
}
