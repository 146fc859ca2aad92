import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { OrganizationPath } from '../../kernel/organization-path.js';
import { EvaluateRequest } from './evaluation.dto.js';
import { EvaluationService } from './evaluation.service.js';
import { EvaluationView } from './evaluation.view.js';

@ApiTags('Evaluation')
@OrganizationPath()
@Controller('api/v1/organizations/:organizationId/features/evaluate')
export class EvaluationController {
  constructor(private readonly evaluation: EvaluationService) {}

  /**
   * Evaluates features for a context, and says why each is what it is.
   * @remarks The stages, in their order: `kill_switch` (switched off in the environment), `entitlement` (the plan excludes
   * it, or gives and limits its value), `dependency` (a feature that it needs is off), `conflict` (one that it conflicts
   * with would be on, too), `override` (of the organization), `rule`, `rollout`, `default`. Answered from memory.
   */
  @Post()
  @HttpCode(200)
  @Authorize('features:evaluate')
  async evaluateFeatures(@CurrentActor() actor: Actor, @Body() request: EvaluateRequest): Promise<EvaluationView> {
    return this.evaluation.evaluate(actor, request);
  }
}
