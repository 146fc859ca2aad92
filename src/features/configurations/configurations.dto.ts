import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsObject, IsOptional, Matches, ValidateNested } from 'class-validator';
import { AreObjects } from '../../kernel/are-objects.js';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../environments/environments.dto.js';
import { IsChangeReason } from '../change-log/change-reason.dto.js';
import { FeaturePath } from '../definitions/definitions.dto.js';
import { MAX_RULES } from '../evaluator/check.js';
import { RolloutBody, RuleBody } from '../targeting.dto.js';

const RULES = [
  {
    name: 'Pilot customers',
    when: [{ attribute: 'country', operator: 'in', values: ['DE', 'AT'] }],
    segments: [],
    value: true,
  },
];

/** Configures a feature in an environment, in place of what it was there. */
export class PutConfigurationRequest {
  /**
   * false: the kill switch. It is off for everybody there, whatever plans, overrides and rules say.
   * @example true
   */
  @IsBoolean()
  enabled!: boolean;

  /** Rules in their order; the first that fits decides. */
  @ApiProperty({ type: [RuleBody], required: false, default: [], example: RULES })
  @AreObjects(MAX_RULES)
  @Type(() => RuleBody)
  rules: RuleBody[] = [];

  /** For whom no rule fits: a percentage of them; null for none. */
  @ApiPropertyOptional({ type: RolloutBody, nullable: true, example: null })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RolloutBody)
  rollout?: RolloutBody | null;

  /** Why it is changed; it stands in the change log. */
  @IsChangeReason()
  reason?: string | null;
}

/** Switches a feature on or off in an environment. */
export class SwitchConfigurationRequest {
  /**
   * false: the kill switch. It is off for everybody there, whatever plans, overrides and rules say.
   * @example false
   */
  @IsBoolean()
  enabled!: boolean;

  /** Why it is switched; it stands in the change log. */
  @IsChangeReason()
  reason?: string | null;
}

/** Names a feature in an environment. */
export class ConfigurationPath extends FeaturePath {
  /**
   * Key of the environment.
   * @example production
   */
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment!: string;
}

const reason = 'Pilot with two customers';
/** Bodies that Swagger UI offers for configuring a feature. */
export const configurationExamples = {
  off: { summary: 'Off for everybody', value: { enabled: false, rules: [], reason } },
  rule: { summary: 'On for some by a rule', value: { enabled: true, rules: RULES, reason } },
  rollout: {
    summary: 'A quarter of the people, and everybody of one company',
    value: {
      enabled: true,
      rules: [
        {
          name: 'Our own people',
          when: [{ attribute: 'email', operator: 'ends_with', values: ['@example.com'] }],
          value: true,
        },
      ],
      rollout: { by: 'targetingKey', percentage: 25 },
      reason,
    },
  },
};

/** Bodies that Swagger UI offers for switching one. */
export const switchExamples = {
  off: { summary: 'The kill switch', value: { enabled: false, reason: 'It answers with errors' } },
  on: { summary: 'On again', value: { enabled: true, reason: 'It works again' } },
};
