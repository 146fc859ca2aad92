import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import { ConditionBody } from '../targeting.dto.js';
import type { FeatureSegment } from './feature-segment.entity.js';

/** Conditions that many rules share. */
export class SegmentView {
  /**
   * What rules name it by.
   * @example beta-testers
   */
  key!: string;
  /** What people call it. */
  @ApiProperty({ type: String, nullable: true, example: 'Beta testers' })
  name!: string | null;
  /** Who is meant. */
  @ApiProperty({ type: String, nullable: true, example: 'Everybody of ours' })
  description!: string | null;
  /** Who meets all of these is in it. */
  @ApiProperty({
    type: [ConditionBody],
    example: [{ attribute: 'email', operator: 'ends_with', values: ['@example.com'] }],
  })
  when!: ConditionBody[];
  /**
   * Counts its changes; the ETag holds it.
   * @example 3
   */
  version!: number;
  /**
   * When it was made.
   * @example 2026-11-25T08:00:00.000Z
   */
  createdAt!: string;
  /**
   * When it was last changed.
   * @example 2026-11-25T08:00:00.000Z
   */
  updatedAt!: string;
}

/** A page of segments. */
export class SegmentPageView {
  /** The segments of this page. */
  data!: SegmentView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toSegmentView(segment: FeatureSegment): SegmentView {
  const { key, name = null, description = null, conditions, version, createdAt, updatedAt } = segment;
  return {
    key,
    name,
    description,
    when: conditions,
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
