import { ApiProperty } from '@nestjs/swagger';
import type { Json } from '../../kernel/json.js';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import { ANY_VALUE } from '../feature-value.js';
import type { Refusal } from './prepared-template.js';

const ID = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';

/** Why something cannot be. */
export class RefusalView implements Refusal {
  /** The feature; null: all of the template. */
  @ApiProperty({ type: String, nullable: true, example: 'report-exports' })
  feature!: string | null;
  /**
   * The code that a single override would be refused with.
   * @example feature_dependency_unmet
   */
  code!: string;
  /**
   * What stands against it.
   * @example "report-exports would stay off: in production it needs reports, and reports is false by default."
   */
  detail!: string;
}

/** Why one organization cannot have the template. */
export class OrganizationRefusalView extends RefusalView {
  /** Id of the organization. */
  @ApiProperty({ format: 'uuid', example: ID })
  organizationId!: string;
}

/** What would become of a feature in an environment. */
export class PreviewedValueView {
  /**
   * Key of the environment.
   * @example production
   */
  environment!: string;
  /** What the organization has now; null for a feature that is not evaluated. */
  @ApiProperty({ ...ANY_VALUE, nullable: true, example: 2_000 })
  before!: Json;
  /** What it would have. */
  @ApiProperty({ ...ANY_VALUE, nullable: true, example: 4_000 })
  after!: Json;
  /**
   * Whether these differ.
   * @example true
   */
  changes!: boolean;
  /** Why it would not have the template's value here, such as a kill switch; null when it would. */
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'reports is false because it is switched off in production.',
  })
  ineffective!: string | null;
}

/** What would become of a feature. */
export class PreviewedFeatureView {
  /**
   * Key of the feature.
   * @example api-calls
   */
  feature!: string;
  /** What the template gives. */
  @ApiProperty({ ...ANY_VALUE, example: 4_000 })
  value!: Json;
  /**
   * Whether it would have another value in one of the environments.
   * @example true
   */
  changes!: boolean;
  /**
   * Whether it would have the template's value in none of the environments.
   * @example false
   */
  ineffective!: boolean;
  /** Each of the environments that were looked at. */
  environments!: PreviewedValueView[];
  /** Why it cannot have it; null when it can. */
  @ApiProperty({ type: RefusalView, nullable: true, example: null })
  refusal!: Refusal | null;
}

/** What would become of an organization. */
export class PreviewedOrganizationView {
  /** Id of the organization. */
  @ApiProperty({ format: 'uuid', example: ID })
  organizationId!: string;
  /**
   * Key of its plan.
   * @example standard
   */
  plan!: string;
  /** Why it cannot have the template as a whole; null when it is not that. */
  @ApiProperty({ type: RefusalView, nullable: true, example: null })
  refusal!: Refusal | null;
  /** Every feature of the template. */
  features!: PreviewedFeatureView[];
}

/** The rows of all pages together. */
export class PreviewTotalsView {
  /**
   * Organizations that are meant.
   * @example 1000
   */
  organizations!: number;
  /**
   * How many of them have a feature that `changes`.
   * @example 990
   */
  changing!: number;
  /**
   * Features that have `changes`, counted for each organization.
   * @example 41000
   */
  changes!: number;
  /**
   * Features that are `ineffective`, counted for each organization.
   * @example 0
   */
  ineffective!: number;
  /**
   * Organizations with a refusal: with one of these, nothing is applied.
   * @example 1
   */
  refused!: number;
  /**
   * Refusals in all.
   * @example 3
   */
  refusals!: number;
}

/** What an application of a template would do. */
export class TemplatePreviewView {
  /** Keys of the environments that were looked at: the one that was asked for, or all. */
  @ApiProperty({ type: [String], example: ['development', 'production', 'staging'] })
  environments!: string[];
  /** The rows of all pages together. */
  @ApiProperty({ type: PreviewTotalsView })
  totals!: PreviewTotalsView;
  /** The first 20 refusals, by organization. */
  refusals!: OrganizationRefusalView[];
  /** The organizations of this page, by id. */
  data!: PreviewedOrganizationView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}
