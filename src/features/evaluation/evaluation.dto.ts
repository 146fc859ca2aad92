import { ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsObject, Matches, ValidateIf } from 'class-validator';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../environments/environments.dto.js';
import { FEATURE_KEY, FEATURE_KEY_MESSAGE } from '../feature-key.js';
import type { EvaluationContext } from './context.js';

/** Asks what features are, and why. */
export class EvaluateRequest {
  /**
   * Key of the environment; that of the API key, or `production`, when left out.
   * @example production
   */
  @ValidateIf((_, value) => value !== undefined)
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;

  /**
   * For whom: attributes by name, which rules compare. `targetingKey`, a text, says who it is, the same each time, so that
   * roll-outs keep their people. Up to 200 attributes, texts up to 2,048 characters. `organizationId`, `plan` and
   * `environment` are set by Tenon, whatever stands here.
   */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { targetingKey: 'user-4711', country: 'DE', appVersion: '2.4.0' },
  })
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  context?: EvaluationContext;

  /**
   * Keys of the features to evaluate; all when left out.
   * @example ["reports"]
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayMaxSize(1_000)
  @Matches(FEATURE_KEY, { ...FEATURE_KEY_MESSAGE, each: true })
  keys?: string[];
}
