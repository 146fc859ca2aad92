import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import type { StaleFeature } from './stale.queries.js';
import { STALE_KINDS, type StaleKind } from './usage.dto.js';

/** Nobody asks for it. */
export class UnusedView {
  /** The last day on which somebody asked, within 13 months; null: never. */
  @ApiProperty({ type: String, format: 'date', nullable: true, example: '2026-08-14' })
  lastAskedOn!: string | null;
  /** The first day without it that was counted. */
  @ApiProperty({ type: String, format: 'date', example: '2026-08-15' })
  since!: string;
  /**
   * How many days that is.
   * @example 102
   */
  days!: number;
}

/** Whoever asks is given the same. */
export class ConstantView {
  /**
   * What it always is: key of the variant, else the value as JSON.
   * @example true
   */
  value!: string;
  /** The first day since which it was nothing else. */
  @ApiProperty({ type: String, format: 'date', example: '2026-08-15' })
  since!: string;
  /**
   * How often it was given in the `days` of the request.
   * @example 120400
   */
  evaluations!: number;
  /**
   * To how many organizations on the busiest of these days.
   * @example 42
   */
  organizations!: number;
  /**
   * Whether it could be something else for somebody: by a rule, a roll-out, a plan, an override, or a feature that it hangs on.
   * @example false
   */
  couldVary!: boolean;
}

/** It should be gone by now. */
export class ExpiredView {
  /** The last day on which it should have been there. */
  @ApiProperty({ type: String, format: 'date', example: '2026-09-30' })
  removeBy!: string;
  /**
   * How many days ago that was.
   * @example 56
   */
  days!: number;
}

/** A feature that can probably go, and why. */
export class StaleFeatureView {
  /**
   * Key of the feature.
   * @example old-reports
   */
  key!: string;
  /**
   * What people call it.
   * @example "Reports as they were"
   */
  name!: string;
  /** Its stage. */
  @ApiProperty({ enum: ['active', 'deprecated'], example: 'active' })
  lifecycle!: string;
  /** Who answers for it. */
  @ApiProperty({ type: String, nullable: true, example: 'team-reports' })
  owner!: string | null;
  /**
   * When it was made.
   * @example 2026-01-25T08:00:00.000Z
   */
  createdAt!: string;
  /** In which ways it is stale. */
  @ApiProperty({ enum: STALE_KINDS, isArray: true, example: ['constant'] })
  kinds!: StaleKind[];
  /** Nobody asks for it. */
  @ApiProperty({ type: UnusedView, nullable: true, example: null })
  unused!: UnusedView | null;
  /** It is always the same. */
  @ApiProperty({ type: ConstantView, nullable: true })
  constant!: ConstantView | null;
  /** It is past its date. */
  @ApiProperty({ type: ExpiredView, nullable: true, example: null })
  expired!: ExpiredView | null;
}

/** A page of stale features. */
export class StalePageView {
  /** The features of this page. */
  data!: StaleFeatureView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
  /**
   * The first day of which usage was counted in the environment; null: none was yet. As long as that is not `days` ago,
   * nobody can know what is unused or constant, and only `expired` is said.
   */
  @ApiProperty({ type: String, format: 'date', nullable: true, example: '2026-01-25' })
  countedSince!: string | null;
}

export function toStaleView(found: StaleFeature, couldVary: boolean): StaleFeatureView {
  const { key, name, lifecycle, owner, createdAt, removeBy, today, lastAskedOn, unusedSince: since } = found;
  const { value, constantSince, evaluations, organizations } = found;
  return {
    key,
    name,
    lifecycle,
    owner,
    createdAt: new Date(createdAt).toISOString(),
    kinds: STALE_KINDS.filter((kind) => found[kind]),
    unused: found.unused ? { lastAskedOn, since, days: daysBetween(since, today) } : null,
    constant: found.constant ? { value: value!, since: constantSince!, evaluations, organizations, couldVary } : null,
    expired: found.expired ? { removeBy: removeBy!, days: daysBetween(removeBy!, today) } : null,
  };
}

function daysBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / (24 * 3600 * 1000);
}
