import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { type CursorPage, readCursor, toCursorPage } from '../../kernel/lists.js';
import { problem } from '../../kernel/problem.js';
import { readNames } from '../../users/names.queries.js';
import { FeatureDefinition } from '../definitions/feature-definition.entity.js';
import { refuseUnknown } from '../evaluation/evaluation.service.js';
import { FeatureChanges } from '../feature-changes.js';
import { environmentExists } from '../overrides/overrides.queries.js';
import type { ChangesQuery, FeatureChangesQuery, RollbackRequest } from './change-log.dto.js';
import { findEntries, findEntry } from './change-log.queries.js';
import { type LoggedChangeView, toChangeView } from './change-log.view.js';
import { FeatureChangeLog } from './feature-change-log.entity.js';
import { Restore } from './restore.js';

/** Who changed what of features, when and why; and how it is taken back. */
@Injectable()
export class ChangeLogService {
  constructor(
    private readonly em: EntityManager,
    private readonly changes: FeatureChanges,
    private readonly restore: Restore,
  ) {}

  /**
   * Changes that meet every filter, newest first.
   * @throws Problem `validation_failed` for a cursor of another list, or an environment that never was.
   */
  async list({ cursor, ...filters }: ChangesQuery): Promise<CursorPage<LoggedChangeView>> {
    const before = readCursor(cursor);
    const rows = await asSystem(this.em, async (em) => {
      const found = await findEntries(em, filters, before);
      if (found.length === 0 && filters.environment) await refuseUnknownEnvironment(em, filters.environment);
      return found;
    });
    const { data, meta } = toCursorPage(rows, filters.limit, ({ id }) => id);
    return { data: await this.toViews(data), meta };
  }

  /**
   * Changes of a feature, also of one that was removed.
   * @throws Problem `not_found` for one that never was; `validation_failed` for a cursor of another list.
   */
  async listOf(feature: string, query: FeatureChangesQuery): Promise<CursorPage<LoggedChangeView>> {
    const page = await this.list({ ...query, feature });
    if (page.data.length === 0) await asSystem(this.em, (em) => refuseUnknownFeature(em, feature));
    return page;
  }

  /** @throws Problem `not_found`. */
  async get(id: string): Promise<LoggedChangeView> {
    const entry = await asSystem(this.em, (em) => findEntry(em, id));
    return (await this.toViews([entry]))[0]!;
  }

  /**
   * Makes what a change was about what it was, before or after it; with it goes whatever was changed of it since.
   * @returns what that changed.
   * @throws Problem `not_found`; whatever an admin would be refused with who made the same change by hand.
   */
  async rollback(actor: Actor, id: string, { to, reason }: RollbackRequest): Promise<LoggedChangeView[]> {
    const made = await this.changes.change(
      async (em, change) => {
        await this.restore.change(em, actor, id, to, this.changes.within(em, change));
        return change;
      },
      { rolledBackId: id, reason },
    );
    return this.toViews(made.written);
  }

  private async toViews(entries: readonly FeatureChangeLog[]): Promise<LoggedChangeView[]> {
    const ids = new Set(entries.flatMap(({ actorId }) => actorId ?? []));
    const names = ids.size > 0 ? await readNames(this.em, [...ids]) : new Map<string, string>();
    return entries.map((entry) => toChangeView(entry, names));
  }
}

async function refuseUnknownFeature(em: EntityManager, feature: string): Promise<void> {
  const known =
    (await em.count(FeatureDefinition, { key: feature })) > 0 ||
    (await em.findOne(FeatureChangeLog, { featureKey: feature }, { fields: ['id'] })) !== null;
  if (!known) throw problem('not_found');
}

/** One that was removed is known by its changes. */
async function refuseUnknownEnvironment(em: EntityManager, environment: string): Promise<void> {
  const known =
    (await environmentExists(em, environment)) ||
    (await em.findOne(FeatureChangeLog, { environmentKey: environment }, { fields: ['id'] })) !== null;
  if (!known) refuseUnknown();
}
