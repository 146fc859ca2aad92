import { EntityManager, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { AuditData } from '../../../audit/audit-entry.entity.js';
import { AuditService } from '../../../audit/audit.service.js';
import type { Actor } from '../../../kernel/actor.js';
import type { Json } from '../../../kernel/json.js';
import { type FieldError, problem } from '../../../kernel/problem.js';
import { readFeatures } from '../../definitions/definitions.queries.js';
import { equal } from '../../evaluator/values.js';
import { FeatureChanges } from '../../feature-changes.js';
import { settingsSchemaFaults } from './settings-schema.js';
import type { CreateWidgetRequest, UpdateWidgetRequest, WidgetsQuery } from './widgets.dto.js';
import { insertWidget, listWidgets, readWidgets, updateWidget, type WidgetFacts } from './widgets.queries.js';

/** What of a widget can be changed. */
const FIELDS = ['name', 'description', 'type', 'requiredFeatures', 'settingsSchema', 'defaultSize'] as const;

/**
 * The library of widgets. It is changed in the turns of features: one that a widget is given to need is there until the
 * commit, and no version is changed twice.
 */
@Injectable()
export class WidgetsService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly changes: FeatureChanges,
  ) {}

  /** Widgets that the filters leave, by key, and how many there are. */
  async list(query: WidgetsQuery): Promise<[WidgetFacts[], number]> {
    return listWidgets(this.em, query);
  }

  /** @throws Problem `not_found`. */
  async get(key: string): Promise<WidgetFacts> {
    return find(this.em, key, null);
  }

  /** @throws Problem `conflict` when the key is taken; `validation_failed` for unknown features and a wrong schema. */
  async create(actor: Actor, request: CreateWidgetRequest): Promise<WidgetFacts> {
    const facts = toFacts(request);
    try {
      return await this.changes.change(async (em) => {
        await refuseFaults(em, facts);
        await insertWidget(em, facts);
        this.record(actor, 'widget.created', facts.key, { after: pick(facts, FIELDS) });
        return find(em, facts.key, null);
      });
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      throw problem('conflict', { detail: `There is a widget "${facts.key}" already`, cause: error });
    }
  }

  /**
   * Changes a widget. What is left out stays, null clears. Dashboards keep what their people set.
   * @param version that the caller read; null for any.
   * @throws Problem `not_found`; `precondition_failed`; `validation_failed`.
   */
  async update(actor: Actor, key: string, request: UpdateWidgetRequest, version: number | null): Promise<WidgetFacts> {
    return this.changes.change(async (em) => {
      const before = await find(em, key, version);
      const given = FIELDS.filter((field) => request[field] !== undefined);
      const after = toFacts({ ...before, ...pick(request, given) });
      const fields = given.filter((field) => !equal(before[field] as Json, after[field] as Json));
      if (fields.length === 0) return before;
      await refuseFaults(em, after);
      await updateWidget(em, after);
      this.record(actor, 'widget.updated', key, { before: pick(before, fields), after: pick(after, fields) });
      return find(em, key, null);
    });
  }

  /**
   * Removes a widget. Dashboards that hold it keep its place and settings, and say that it was removed.
   * @param version that the caller read; null for any.
   * @throws Problem `not_found`; `precondition_failed`.
   */
  async remove(actor: Actor, key: string, version: number | null): Promise<void> {
    await this.changes.change(async (em) => {
      const before = await find(em, key, version);
      await em.execute('delete from widget_library where key = ?', [key]);
      this.record(actor, 'widget.deleted', key, { before: pick(before, FIELDS) });
    });
  }

  private record(actor: Actor, action: string, key: string, change: { before?: AuditData; after?: AuditData }): void {
    this.audit.record(actor, action, { target: { type: 'widget', id: key }, ...change });
  }
}

async function find(em: EntityManager, key: string, version: number | null): Promise<WidgetFacts> {
  const [facts] = await readWidgets(em, [key]);
  if (!facts) throw problem('not_found');
  if (version !== null && version !== facts.version) throw problem('precondition_failed');
  return facts;
}

/** With what is left out as what it then is; data instead of instances of requests. */
function toFacts(from: CreateWidgetRequest | WidgetFacts): WidgetFacts {
  const now = new Date();
  return {
    version: 1,
    createdAt: now,
    updatedAt: now,
    ...from,
    description: from.description ?? null,
    requiredFeatures: (from.requiredFeatures ?? []).toSorted(),
    settingsSchema: from.settingsSchema ?? null,
    defaultSize: { ...from.defaultSize },
  };
}

/** Features that nobody will have, by whatever is given to the organization, are refused like those that are not there. */
async function refuseFaults(em: EntityManager, { requiredFeatures, settingsSchema }: WidgetFacts): Promise<void> {
  const found = new Map((await readFeatures(em, requiredFeatures)).map(({ key, lifecycle }) => [key, lifecycle]));
  const errors: FieldError[] = requiredFeatures.flatMap((key) => {
    const field = 'requiredFeatures';
    const lifecycle = found.get(key);
    if (lifecycle === undefined) return [{ field, code: 'feature_unknown', message: `There is no feature "${key}"` }];
    return lifecycle === 'archived' ? [{ field, code: 'feature_archived', message: `"${key}" is archived` }] : [];
  });
  errors.push(...settingsSchemaFaults(settingsSchema));
  if (errors.length > 0) throw problem('validation_failed', { errors: errors.slice(0, 20) });
}

function pick<T extends object, K extends keyof T>(from: T, fields: readonly K[]): Pick<T, K> & AuditData {
  return Object.fromEntries(fields.map((field) => [field, from[field]])) as Pick<T, K> & AuditData;
}
