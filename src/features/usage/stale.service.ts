import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import { DEFAULT_ENVIRONMENT, refuseUnknown } from '../evaluation/evaluation.service.js';
import { couldVary } from '../evaluator/index.js';
import { FeatureSnapshots } from '../snapshots/feature-snapshots.js';
import { type FoundStale, findStale, overriddenFeatures } from './stale.queries.js';
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
   * @returns a page of them, how many there are, and since when it is known.
   * @throws Problem `validation_failed` for an unknown environment.
   */
  async list(
    query: StaleQuery,
  ): Promise<Pick<FoundStale, 'total' | 'countedSince'> & { features: StaleFeatureView[] }> {
    const { environment: key = DEFAULT_ENVIRONMENT } = query;
    const environment = (await this.snapshots.current()).environments.get(key) ?? refuseUnknown();
    return asSystem(this.em, async (em) => {
      const { features, total, countedSince } = await findStale(em, key, query);
      const overridden = await overriddenFeatures(em, key);
      const views = features.map((feature) => toStaleView(feature, couldVary(environment, feature.key, overridden)));
      return { features: views, total, countedSince };
    });
  }
}
