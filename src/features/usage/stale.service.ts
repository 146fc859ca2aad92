import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import { DEFAULT_ENVIRONMENT, refuseUnknown } from '../evaluation/evaluation.service.js';
import { couldVary } from '../evaluator/index.js';
import { FeatureSnapshots } from '../snapshots/feature-snapshots.js';
import { findStale, overriddenFeatures } from './stale.queries.js';
import { type StaleFeatureView, toStaleView } from './stale.view.js';
import type { StaleQuery } from './usage.dto.js';

/** Names features that can probably go. */
@Injectable()
export class StaleService {
  constructor(
    private readonly em: EntityManager,
    private readonly snapshots: FeatureSnapshots,
  ) {}

  /**
   * Active and deprecated features that nobody asks for, that are always the same, or that are past their date.
   * @returns a page of them, and how many there are.
   * @throws Problem `validation_failed` for an unknown environment.
   */
  async list(query: StaleQuery): Promise<[StaleFeatureView[], number]> {
    const { environment: key = DEFAULT_ENVIRONMENT } = query;
    const environment = (await this.snapshots.current()).environments.get(key) ?? refuseUnknown();
    return asSystem(this.em, async (em) => {
      const [found, total] = await findStale(em, key, query);
      const overridden = await overriddenFeatures(em, key);
      return [found.map((feature) => toStaleView(feature, couldVary(environment, feature.key, overridden))), total];
    });
  }
}
