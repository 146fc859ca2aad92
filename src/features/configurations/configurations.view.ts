import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import type { RolloutData, RuleData } from '../evaluator/model.js';
import { RolloutBody, RuleBody } from '../targeting.dto.js';

/** What a feature is in one environment. */
export interface ConfigurationFacts {
  feature: string;
  environment: string;
  enabled: boolean;
  rules: RuleData[];
  rollout: RolloutData | null;
  /** 0: not configured. */
  version: number;
  updatedAt: Date | null;
}

/** What a feature is in one environment. */
export class ConfigurationView {
  /**
   * Key of the feature.
   * @example reports
   */
  feature!: string;
  /**
   * Key of the environment.
   * @example production
   */
  environment!: string;
  /**
   * false: off for everybody there.
   * @example true
   */
  enabled!: boolean;
  /** Rules in their order; the first that fits decides. */
  @ApiProperty({ type: [RuleBody], example: [] })
  rules!: RuleData[];
  /** For whom no rule fits; null for no roll-out. */
  @ApiProperty({ type: RolloutBody, nullable: true, example: { by: 'targetingKey', percentage: 25 } })
  rollout!: RolloutData | null;
  /**
   * Counts its changes; the ETag holds it. 0 where it was never configured: enabled, without rules.
   * @example 3
   */
  version!: number;
  /** When it was last changed; null where it was never configured. */
  @ApiProperty({ type: String, nullable: true, example: '2026-11-25T08:00:00.000Z' })
  updatedAt!: string | null;
}

/** A page of what a feature is in each environment. */
export class ConfigurationPageView {
  /** The environments of this page. */
  data!: ConfigurationView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toConfigurationView({ updatedAt, ...facts }: ConfigurationFacts): ConfigurationView {
  return { ...facts, updatedAt: updatedAt?.toISOString() ?? null };
}
