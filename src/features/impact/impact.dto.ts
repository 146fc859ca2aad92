import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsObject, Matches, ValidateIf, ValidateNested } from 'class-validator';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../environments/environments.dto.js';
import { PutConfigurationRequest } from '../configurations/configurations.dto.js';
import { UpdateFeatureRequest } from '../definitions/definitions.dto.js';

const given = (_: unknown, value: unknown): boolean => value !== undefined;

/** Where to look. */
export class ImpactQuery {
  /**
   * Key of the environment; `production` when left out.
   * @example production
   */
  @ValidateIf(given)
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;
}

/** Bodies that Swagger UI offers, of a feature that nothing else needs. */
export const previewExamples = {
  definition: { summary: 'Another default', value: { definition: { defaultValue: false } } },
  configuration: {
    summary: 'For a quarter of the people in production',
    value: {
      environment: 'production',
      configuration: { enabled: true, rules: [], rollout: { by: 'targetingKey', percentage: 25 } },
    },
  },
  remove: { summary: 'Without it', value: { remove: true } },
};

/** A change to try: one of the three. */
export class PreviewRequest extends ImpactQuery {
  /** What of the definition would change. */
  @ApiPropertyOptional({ example: { defaultValue: true } })
  @ValidateIf(given)
  @IsObject()
  @ValidateNested()
  @Type(() => UpdateFeatureRequest)
  definition?: UpdateFeatureRequest;

  /** What the feature would be in the environment. */
  @ApiPropertyOptional({ example: { enabled: false, rules: [] } })
  @ValidateIf(given)
  @IsObject()
  @ValidateNested()
  @Type(() => PutConfigurationRequest)
  configuration?: PutConfigurationRequest;

  /** The feature would be removed. */
  @ApiPropertyOptional({ enum: [true], example: true })
  @ValidateIf(given)
  @IsIn([true])
  remove?: true;
}
