import { ApiProperty } from '@nestjs/swagger';
import { RETAINED_TYPES } from '../expiring-types.js';
import type { StoredPolicy, SweepOf, TypePreview } from './cleanup-policy.service.js';
import { keptDaysOf } from './kept-days.js';

const TYPE = { enum: RETAINED_TYPES.map(({ name }) => name), example: 'invitation' };

/** How long a type is kept. */
export class TypeRetentionView {
  /** The type. */
  @ApiProperty(TYPE)
  type!: string;
  /**
   * What it is.
   * @example "Invitations that expired, after 30 days or as their organization says"
   */
  description!: string;
  /**
   * Days for which a row is kept after its time.
   * @example 7
   */
  keptDays!: number;
  /**
   * Whether the organization chose that; otherwise it follows the platform.
   * @example true
   */
  chosen!: boolean;
  /**
   * Days of an organization that does not choose.
   * @example 30
   */
  defaultDays!: number;
  /**
   * The least that can be chosen.
   * @example 1
   */
  leastDays!: number;
  /**
   * The most that can be chosen.
   * @example 365
   */
  mostDays!: number;
}

/** How long the data of an organization is kept. */
export class CleanupPolicyView {
  /** Each type for which the organization may choose. */
  types!: TypeRetentionView[];
  /**
   * Counts the changes; the ETag holds it.
   * @example 3
   */
  version!: number;
}

/** What a sweep would remove now. */
export class SweepView {
  /**
   * Days for which a row is kept after its time.
   * @example 7
   */
  keptDays!: number;
  /**
   * Rows that the next sweep removes.
   * @example 12
   */
  removes!: number;
  /** Since when the oldest of these could leave; null when there is none. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-21T10:00:00.000Z' })
  oldestExpiredAt!: string | null;
}

/** What a policy would remove of a type. */
export class TypePreviewView {
  /** The type. */
  @ApiProperty(TYPE)
  type!: string;
  /**
   * Rows in all.
   * @example 40
   */
  total!: number;
  /** With the policy of now. */
  current!: SweepView;
  /** With the policy that is asked for. */
  asked!: SweepView;
}

/** What a policy would remove. */
export class CleanupPreviewView {
  /** Each type for which the organization may choose. */
  types!: TypePreviewView[];
}

export function toCleanupPolicyView({ keptDays, version }: StoredPolicy): CleanupPolicyView {
  return {
    types: RETAINED_TYPES.map((type) => ({
      type: type.name,
      description: type.description,
      keptDays: keptDaysOf(type, keptDays),
      chosen: type.name in keptDays,
      defaultDays: type.retention.days,
      leastDays: type.retention.least,
      mostDays: type.retention.most,
    })),
    version,
  };
}

export function toCleanupPreviewView(previews: readonly TypePreview[]): CleanupPreviewView {
  return {
    types: previews.map(({ type, current, asked }) => ({
      type: type.name,
      total: current.total,
      current: toSweepView(current),
      asked: toSweepView(asked),
    })),
  };
}

function toSweepView({ keptDays, expired, oldestExpiredAt }: SweepOf): SweepView {
  return { keptDays, removes: expired, oldestExpiredAt: oldestExpiredAt?.toISOString() ?? null };
}
