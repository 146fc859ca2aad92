import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { environmentFor, refuseUnknown } from '../evaluation/evaluation.service.js';
import { FeatureSnapshots } from '../snapshots/feature-snapshots.js';
import type { ListEntitlementsQuery } from './entitlements.dto.js';
import { toEntitlementViews } from './entitlements.js';
import { type EntitlementFilter, readEntitlements } from './entitlements.queries.js';
import type { EntitlementView } from './entitlements.view.js';

/** What an organization has of each feature, and why. */
@Injectable()
export class EntitlementsService {
  constructor(
    private readonly em: EntityManager,
    private readonly snapshots: FeatureSnapshots,
  ) {}

  /**
   * Features of the caller's tenant by key, and how many there are.
   * @throws Problem `permission_denied` for another environment than that of the API key; `validation_failed` for one that
   * does not exist.
   */
  async list(
    actor: Actor,
    { page, perPage, environment, ...filter }: ListEntitlementsQuery,
  ): Promise<[EntitlementView[], number]> {
    const asked = { ...filter, environment: environmentFor(actor, environment) };
    return this.em.transactional((em) =>
      this.read(em, actor, { ...asked, limit: perPage, offset: (page - 1) * perPage }),
    );
  }

  /** One feature. @throws Problem as for the list; `not_found` when it is none that is evaluated. */
  async get(actor: Actor, key: string, environment?: string): Promise<EntitlementView> {
    const asked = { key, environment: environmentFor(actor, environment) };
    const [[feature]] = await this.em.transactional((em) => this.read(em, actor, asked));
    if (!feature) throw problem('not_found');
    return feature;
  }

  /** Reads and evaluates. @param em of a transaction of the tenant. */
  async read(em: EntityManager, actor: Actor, filter: EntitlementFilter): Promise<[EntitlementView[], number]> {
    const organizationId = actor.requiredOrganizationId;
    const stored = await readEntitlements(em, organizationId, filter);
    if (!stored) throw problem('not_found');
    const { environments } = await this.snapshots.at(stored.revision, em);
    const environment = environments.get(filter.environment) ?? refuseUnknown();
    return [toEntitlementViews(organizationId, stored, filter.environment, environment), stored.total];
  }
}
