import { EntityManager, LockMode, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { AuditData } from '../../audit/audit-entry.entity.js';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import type { Json } from '../../kernel/json.js';
import type { PageQuery } from '../../kernel/lists.js';
import { type FieldError, problem } from '../../kernel/problem.js';
import { valueErrors } from '../definitions/definition-faults.js';
import { readFeatures, unknownPlans } from '../definitions/definitions.queries.js';
import { equal } from '../evaluator/values.js';
import { FeatureChanges, holdFeatures } from '../feature-changes.js';
import { FeatureTemplate, type TemplateValue } from './feature-template.entity.js';
import type { CreateTemplateRequest, UpdateTemplateRequest } from './templates.dto.js';

const FIELDS = ['name', 'description', 'values', 'targetPlans'] as const;
type TemplateData = Pick<FeatureTemplate, (typeof FIELDS)[number]>;

/** Named combinations of values of features. */
@Injectable()
export class TemplatesService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly changes: FeatureChanges,
  ) {}

  /** The templates, by key. */
  async list({ page, perPage }: PageQuery): Promise<[FeatureTemplate[], number]> {
    const slice = { limit: perPage, offset: (page - 1) * perPage };
    return asSystem(this.em, (em) => em.findAndCount(FeatureTemplate, {}, { orderBy: { key: 'asc' }, ...slice }));
  }

  /** @throws Problem `not_found`. */
  async get(key: string): Promise<FeatureTemplate> {
    return asSystem(this.em, (em) => findTemplate(em, key));
  }

  /** @throws Problem `conflict` when the key is taken; `validation_failed` with what does not fit. */
  async create(actor: Actor, request: CreateTemplateRequest): Promise<FeatureTemplate> {
    const { key, name, description = null, targetPlans = [] } = request;
    const data = { name, description, values: toValues(request.values), targetPlans: targetPlans.toSorted() };
    const now = new Date();
    try {
      return await this.change(key, async (em) => {
        await this.refuseFaults(em, { ...data, values: request.values });
        const template = em.create(FeatureTemplate, { key, ...data, createdAt: now, updatedAt: now });
        this.record(actor, 'template.created', key, { after: data });
        await em.flush();
        return template;
      });
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      throw problem('conflict', { detail: `There is a template "${key}" already`, cause: error });
    }
  }

  /**
   * Changes a template. What is left out stays, null clears. What was applied of it stays as it was.
   * @param version that the caller read; null for any.
   * @throws Problem `not_found`; `precondition_failed`; `validation_failed`.
   */
  async update(
    actor: Actor,
    key: string,
    { values, targetPlans, ...texts }: UpdateTemplateRequest,
    version: number | null,
  ): Promise<FeatureTemplate> {
    const wanted: Partial<TemplateData> = {
      ...texts,
      ...(values && { values: toValues(values) }),
      ...(targetPlans && { targetPlans: targetPlans.toSorted() }),
    };
    return this.change(key, async (em) => {
      const template = await findTemplate(em, key, version);
      const fields = FIELDS.filter(
        (field) => wanted[field] !== undefined && !equal((template[field] ?? null) as Json, wanted[field] as Json),
      );
      if (fields.length === 0) return template;
      const pick = (from: Partial<TemplateData>): AuditData =>
        Object.fromEntries(fields.map((field) => [field, from[field] ?? null]));
      const [before, after] = [pick(template), pick(wanted)];
      // As they were sent, so that a fault has the place that its sender knows.
      await this.refuseFaults(em, { ...after, values: after.values ? values : undefined });
      Object.assign(template, after, { version: template.version + 1 });
      this.record(actor, 'template.updated', key, { before, after });
      await em.flush();
      return template;
    });
  }

  /**
   * Removes a template. Organizations keep what it gave them, and the log of its applications stays.
   * @param version that the caller read; null for any.
   * @throws Problem `not_found`; `precondition_failed`.
   */
  async remove(actor: Actor, key: string, version: number | null): Promise<void> {
    await asSystem(this.em, async (em) => {
      const template = await findTemplate(em, key, version);
      const { name, description = null, values, targetPlans } = template;
      this.record(actor, 'template.deleted', key, { before: { name, description, values, targetPlans } });
      await em.remove(template).flush();
    });
  }

  private change<T>(key: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    return this.changes.beside(`template ${key}`, () => asSystem(this.em, work));
  }

  /** Features are held, so that none is removed that a template is about to name. */
  private async refuseFaults(em: EntityManager, { values = [], targetPlans = [] }: Partial<TemplateData>) {
    await holdFeatures(em);
    const features = new Map(
      (
        await readFeatures(
          em,
          values.map(({ feature }) => feature),
        )
      ).map((facts) => [facts.key, facts]),
    );
    const named = new Set<string>();
    const errors: FieldError[] = values.flatMap(({ feature, value }, at) => {
      if (named.size === named.add(feature).size) {
        const twice = `The feature "${feature}" stands there already`;
        return [{ field: `values.${at}.feature`, code: 'feature_duplicate', message: twice }];
      }
      const facts = features.get(feature);
      if (facts && facts.lifecycle !== 'archived') return valueErrors(facts, value, `values.${at}.value`);
      const message = facts ? `The feature "${feature}" is archived` : `There is no feature "${feature}"`;
      return [{ field: `values.${at}.feature`, code: facts ? 'feature_archived' : 'feature_unknown', message }];
    });
    for (const plan of await unknownPlans(em, targetPlans))
      errors.push({ field: 'targetPlans', code: 'plan_unknown', message: `There is no plan "${plan}"` });
    if (errors.length > 0) throw problem('validation_failed', { errors: errors.slice(0, 20) });
  }

  private record(actor: Actor, action: string, key: string, change: { before?: AuditData; after?: AuditData }): void {
    this.audit.record(actor, action, { target: { type: 'template', id: key }, ...change });
  }
}

/**
 * A template; with a version, or null for any, held for a change.
 * @param em of a system transaction.
 * @throws Problem `not_found`; `precondition_failed`.
 */
export async function findTemplate(em: EntityManager, key: string, version?: number | null): Promise<FeatureTemplate> {
  const template = await em.findOneOrFail(
    FeatureTemplate,
    { key },
    {
      failHandler: () => problem('not_found'),
      ...(version !== undefined && { lockMode: LockMode.PESSIMISTIC_WRITE }),
    },
  );
  if (version != null && version !== template.version) throw problem('precondition_failed');
  return template;
}

/** As data and by feature: their order has no meaning. */
function toValues(values: readonly TemplateValue[]): TemplateValue[] {
  return values
    .map(({ feature, value }) => ({ feature, value }))
    .toSorted((one, other) => (one.feature < other.feature ? -1 : 1));
}
