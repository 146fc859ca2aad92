import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import type { FeatureTemplate, TemplateValue } from './feature-template.entity.js';
import { TemplateValueBody } from './templates.dto.js';

/** A named combination of values of features. */
export class TemplateView {
  /**
   * What it is known by.
   * @example pilot-customers
   */
  key!: string;
  /**
   * What people call it.
   * @example "Pilot customers"
   */
  name!: string;
  /** What it is for. */
  @ApiProperty({ type: String, nullable: true, example: 'What a pilot customer gets' })
  description!: string | null;
  /** What it gives, by the features' keys. */
  @ApiProperty({ type: [TemplateValueBody], example: [{ feature: 'api-calls', value: 4_000 }] })
  values!: TemplateValue[];
  /** Keys of the plans whose organizations it is for; empty: of any. */
  @ApiProperty({ type: [String], example: [] })
  targetPlans!: string[];
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

/** A page of templates. */
export class TemplatePageView {
  /** The templates of this page. */
  data!: TemplateView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toTemplateView(template: FeatureTemplate): TemplateView {
  const { key, name, description = null, values, targetPlans, version, createdAt, updatedAt } = template;
  return {
    key,
    name,
    description,
    values,
    targetPlans,
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
