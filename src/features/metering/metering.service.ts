import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { EvaluationService, subjectOf } from '../evaluation/evaluation.service.js';
import { evaluate } from '../evaluator/index.js';
import { Turns } from '../../kernel/turns.js';
import type { ConsumeRequest } from './metering.dto.js';
import { consume, type Meter, readUsage } from './metering.queries.js';
import { limitOf, usageOf, type ConsumptionView } from './metering.view.js';

/** Counts what organizations use of metered features. */
@Injectable()
export class MeteringService {
  /** By meter: calls at once would wait for its row in the database, each with a connection that others need. */
  private readonly turns = new Turns();

  constructor(
    private readonly em: EntityManager,
    private readonly evaluation: EvaluationService,
  ) {}

  /**
   * Counts a use against the limit, once for each idempotency key. Not in the trail: it is told by its meter (ADR 0022).
   * @throws Problem `not_found`; `feature_not_metered`; `feature_limit_reached`; `idempotency_key_reused`.
   */
  async consume(actor: Actor, key: string, { environment, ...use }: ConsumeRequest): Promise<ConsumptionView> {
    const { meter, limit } = await this.meterOf(actor, key, environment);
    const { outcome, allowed, ...counted } = await this.turns.take(Object.values(meter).join('/'), () =>
      this.em.transactional((em) => consume(em, meter, use, limit)),
    );
    const usage = usageOf(counted, allowed);
    switch (outcome) {
      case 'counted':
        return usage;
      case 'limit_reached':
        throw problem('feature_limit_reached', { detail: reached(key, use.amount, usage) });
      case 'key_reused':
        throw problem('idempotency_key_reused', { detail: 'The idempotency key was used for another amount' });
      case 'not_metered':
        throw problem('feature_not_metered');
      case 'unknown':
        throw problem('not_found');
    }
  }

  /**
   * What is used of a feature in its present period.
   * @throws Problem `not_found`; `feature_not_metered`.
   */
  async usage(actor: Actor, key: string, environment?: string): Promise<ConsumptionView> {
    const { meter, limit } = await this.meterOf(actor, key, environment);
    const counted = await this.em.transactional((em) => readUsage(em, meter));
    if (!counted) throw problem('feature_not_metered');
    return usageOf(counted, limit);
  }

  private async meterOf(actor: Actor, feature: string, asked?: string): Promise<{ meter: Meter; limit: number }> {
    const scope = await this.evaluation.scope(actor, asked);
    const decision = evaluate(scope.environment, feature, subjectOf(scope));
    if (!decision) throw problem('not_found');
    const meter = { organizationId: actor.requiredOrganizationId, feature, environment: scope.environmentKey };
    return { meter, limit: limitOf(decision.value) };
  }
}

function reached(key: string, amount: number, { limit, used, remaining, resetsAt }: ConsumptionView): string {
  const until = resetsAt === null ? 'it does not begin anew' : `it begins anew at ${resetsAt}`;
  return `${amount} of ${key} cannot be used: the limit is ${limit}, used are ${used}, ${remaining} remain, and ${until}`;
}
