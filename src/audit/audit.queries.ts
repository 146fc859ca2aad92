import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../database/tenant-context.js';
import type { Actor } from '../kernel/actor.js';
import { type CursorPage, type CursorQuery, readCursor, toCursorPage } from '../kernel/lists.js';
import { olderThan, toConditions } from './audit-conditions.js';
import { AuditEntry } from './audit-entry.entity.js';
import type { AuditLogQuery, OrganizationAuditLogQuery } from './audit-log.dto.js';
import { type AuditEntryView, toFacts, toView } from './audit-log.view.js';
import { AuditNames } from './audit-names.js';
import { type AuditScope, organizationScope, platformScope } from './audit-scope.js';
import { SearchTime } from './search-time.js';
import { SearchTurns } from './search-turns.js';
import { toSentence } from './sentences.js';
import { searchText, select } from './text-search.js';

/** Reads the trail. Who may ask for which part of it is the controllers' matter. */
@Injectable()
export class AuditQueries {
  private readonly turns = new SearchTurns();

  constructor(
    private readonly em: EntityManager,
    private readonly names: AuditNames,
  ) {}

  /**
   * Entries of the whole platform that meet every filter, newest first.
   * @throws Problem `validation_failed` for a cursor of another list, and for a search that takes too long;
   * `rate_limit_exceeded` while too many search the same trail for texts.
   */
  async search(query: AuditLogQuery): Promise<CursorPage<AuditEntryView>> {
    return this.read('platform', platformScope(this.em), query);
  }

  /** The same among the entries of the caller's organization, as {@link organizationScope} shows them. */
  async searchOrganization(actor: Actor, query: OrganizationAuditLogQuery): Promise<CursorPage<AuditEntryView>> {
    const organizationId = actor.requiredOrganizationId;
    return this.read(organizationId, organizationScope(this.em, organizationId), query);
  }

  /** Entries about one person, newest first. */
  async about(userId: string, { cursor, limit }: CursorQuery): Promise<CursorPage<AuditEntry>> {
    const conditions = [{ sql: 'user_id = ?', values: [userId] }, ...olderThan(readCursor(cursor))];
    const rows = await asSystem(this.em, (em) => select(em, conditions, limit + 1));
    return toCursorPage(rows, limit, ({ id }) => id);
  }

  /** @param owner whose trail it is: they take turns in searches by text. */
  private async read(
    owner: string,
    scope: AuditScope,
    { cursor, limit, q, ...filters }: AuditLogQuery,
  ): Promise<CursorPage<AuditEntryView>> {
    const before = readCursor(cursor);
    const conditions = [scope.entries, ...toConditions(filters, scope)];
    // From here on, so that it runs while a search waits for its turn.
    const time = new SearchTime(q === undefined ? 'from' : 'q');
    const rows =
      q === undefined
        ? await time.run(scope, (em) => select(em, [...conditions, ...olderThan(before)], limit + 1))
        : await this.turns.take(owner, () =>
            searchText(scope, this.names, time, { text: q, conditions, before, limit: limit + 1 }),
          );
    const { data, meta } = toCursorPage(rows, limit, ({ id }) => id);
    const shown = data.map((entry) => scope.show(toFacts(entry)));
    const names = await this.names.of(shown.flatMap(({ actorId, userId }) => [actorId, userId]));
    return { data: shown.map((entry) => toView(entry, toSentence(entry, names), names)), meta };
  }
}
