import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import { Outbox } from '../../jobs/outbox.service.js';
import type { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import { type CursorPage, type CursorQuery, readCursor, toCursorPage } from '../../kernel/lists.js';
import { problem } from '../../kernel/problem.js';
import { readNames } from '../../users/names.queries.js';
import { refuseUnknown } from '../evaluation/evaluation.service.js';
import { environmentExists } from '../overrides/overrides.queries.js';
import { APPLICATION_TOPIC, type ApplicationMessage } from './application-runner.js';
import type { ApplyTemplateRequest } from './applications.dto.js';
import { readApplicationOrganizations } from './applications.queries.js';
import {
  type ApplicationOrganizationView,
  type ApplicationView,
  type QueuedApplicationView,
  toApplicationView,
} from './applications.view.js';
import { FeatureTemplate } from './feature-template.entity.js';
import { readSelection, selectOrganizations } from './selection.js';
import { TemplateApplicationLog } from './template-application.entity.js';
import { findTemplate } from './templates.service.js';

/** Every time that a template was, or is to be, applied. */
@Injectable()
export class ApplicationsService {
  constructor(
    private readonly em: EntityManager,
    private readonly outbox: Outbox,
  ) {}

  /**
   * Takes an application on: it is done outside of the request, by the template as it is now.
   * @throws Problem `not_found`; `validation_failed` for organizations, a plan or an environment that are not there, or too
   * many organizations, or none.
   */
  async request(actor: Actor, key: string, request: ApplyTemplateRequest): Promise<QueuedApplicationView> {
    const selection = readSelection(request);
    const { reason, environment = null } = request;
    return asSystem(this.em, async (em) => {
      const { name, version, values, targetPlans } = await findTemplate(em, key);
      if (environment !== null && !(await environmentExists(em, environment))) refuseUnknown();
      const ids = await selectOrganizations(em, selection, targetPlans);
      const id = newId();
      em.create(TemplateApplicationLog, {
        id,
        templateKey: key,
        template: { name, version, values, targetPlans },
        ...selection,
        environmentKey: environment,
        reason,
        status: 'queued',
        total: ids.length,
        requestedBy: actor.userId,
        createdAt: new Date(),
      });
      const { requiredUserId: userId, sessionId, ip, userAgent, requestId } = actor;
      const message: ApplicationMessage = { applicationId: id, by: { userId, sessionId, ip, userAgent, requestId } };
      this.outbox.add(APPLICATION_TOPIC, message, { summary: { application: id } });
      await em.flush();
      return { id, status: 'queued' };
    });
  }

  /**
   * The applications of a template, newest first; also of one that was removed.
   * @throws Problem `not_found` when there is neither; `validation_failed` for a cursor of another list.
   */
  async list(key: string, { cursor, limit }: CursorQuery): Promise<CursorPage<ApplicationView>> {
    const before = readCursor(cursor);
    const rows = await asSystem(this.em, async (em) => {
      const where = { templateKey: key, ...(before && { id: { $lt: before } }) };
      const found = await em.find(TemplateApplicationLog, where, { orderBy: { id: 'desc' }, limit: limit + 1 });
      if (found.length === 0 && before === null && (await em.count(FeatureTemplate, { key })) === 0)
        throw problem('not_found');
      return found;
    });
    const { data, meta } = toCursorPage(rows, limit, ({ id }) => id);
    return { data: await this.toViews(data), meta };
  }

  /** @throws Problem `not_found`. */
  async get(key: string, id: string): Promise<ApplicationView> {
    const where = { id, templateKey: key };
    const log = await asSystem(this.em, (em) =>
      em.findOneOrFail(TemplateApplicationLog, where, { failHandler: () => problem('not_found') }),
    );
    return (await this.toViews([log]))[0]!;
  }

  /**
   * The organizations that a template was applied to, by id; none before it is completed, or once it is forgotten what they
   * had.
   * @throws Problem `not_found`; `validation_failed` for a cursor of another list.
   */
  async listOrganizations(
    key: string,
    id: string,
    { cursor, limit }: CursorQuery,
  ): Promise<CursorPage<ApplicationOrganizationView>> {
    const after = readCursor(cursor);
    const rows = await asSystem(this.em, async (em) => {
      if ((await em.count(TemplateApplicationLog, { id, templateKey: key })) === 0) throw problem('not_found');
      return readApplicationOrganizations(em, id, after, limit + 1);
    });
    const { data, meta } = toCursorPage(rows, limit, (row) => row.id);
    return { data: data.map(({ id: organizationId, ...rest }) => ({ organizationId, ...rest })), meta };
  }

  private async toViews(logs: readonly TemplateApplicationLog[]): Promise<ApplicationView[]> {
    const ids = new Set(
      logs.flatMap(({ requestedBy, rolledBackBy }) => [requestedBy ?? [], rolledBackBy ?? []].flat()),
    );
    const names = ids.size > 0 ? await readNames(this.em, [...ids]) : new Map<string, string>();
    return logs.map((log) => toApplicationView(log, names));
  }
}
