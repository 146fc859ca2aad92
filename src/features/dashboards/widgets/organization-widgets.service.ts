import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../../../kernel/actor.js';
import { EvaluationService } from '../../evaluation/evaluation.service.js';
import { availabilityIn } from './availability.js';
import type { OrganizationWidgetView } from './organization-widgets.view.js';
import type { OrganizationWidgetsQuery } from './widgets.dto.js';
import { listWidgets } from './widgets.queries.js';

/** The library as an organization can use it. */
@Injectable()
export class OrganizationWidgetsService {
  constructor(
    private readonly em: EntityManager,
    private readonly evaluation: EvaluationService,
  ) {}

  /**
   * Widgets by key, each with whether the caller's tenant can use it, and how many there are.
   * @throws Problem `permission_denied` for another environment than that of the API key; `validation_failed` for one that
   * does not exist.
   */
  async list(
    actor: Actor,
    { environment, ...query }: OrganizationWidgetsQuery,
  ): Promise<[OrganizationWidgetView[], number]> {
    const availabilityOf = availabilityIn(await this.evaluation.scope(actor, environment));
    const [widgets, total] = await listWidgets(this.em, query);
    return [
      widgets.map(({ key, name, description, type, settingsSchema, defaultSize, requiredFeatures }) => ({
        key,
        name,
        description,
        type,
        settingsSchema,
        defaultSize,
        ...availabilityOf({ key, requiredFeatures }),
      })),
      total,
    ];
  }
}
