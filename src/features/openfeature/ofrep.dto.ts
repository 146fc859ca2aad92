import { ApiPropertyOptional } from '@nestjs/swagger';

/** Asks for flags, as OFREP has it. What else stands in it is ignored: a later version of the protocol may have more. */
export class OfrepEvaluationRequest {
  /**
   * For whom: attributes by name, which rules compare. `targetingKey` says who it is, the same each time, so that roll-outs
   * keep their people. `organizationId`, `plan` and `environment` are set by Tenon, whatever stands here.
   */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { targetingKey: 'user-4711', country: 'DE', appVersion: '2.4.0' },
  })
  context?: Record<string, unknown>;
}
