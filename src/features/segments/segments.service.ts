import { EntityManager, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { AuditData } from '../../audit/audit-entry.entity.js';
import { AuditService } from '../../audit/audit.service.js';
import type { Actor } from '../../kernel/actor.js';
import type { Json, JsonObject } from '../../kernel/json.js';
import type { PageQuery } from '../../kernel/lists.js';
import { problem } from '../../kernel/problem.js';
import { checkConditions } from '../evaluator/check.js';
import type { ConditionData } from '../evaluator/model.js';
import { equal } from '../evaluator/values.js';
import { FeatureChanges, type FeatureWriter } from '../feature-changes.js';
import { toConditions } from '../targeting.dto.js';
import { FeatureSegment } from './feature-segment.entity.js';
import type { CreateSegmentRequest, UpdateSegmentRequest } from './segments.dto.js';

/** Conditions that rules share. */
@Injectable()
export class SegmentsService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly changes: FeatureChanges,
  ) {}

  /** The segments, by key. */
  async list({ page, perPage }: PageQuery): Promise<[FeatureSegment[], number]> {
    const slice = { limit: perPage, offset: (page - 1) * perPage };
    return this.em.findAndCount(FeatureSegment, {}, { orderBy: { key: 'asc' }, ...slice });
  }

  /** @throws Problem `not_found`. */
  async get(key: string): Promise<FeatureSegment> {
    return find(this.em, key, null);
  }

  /** @throws Problem `conflict` when the key is taken; `validation_failed`. */
  async create(
    actor: Actor,
    request: CreateSegmentRequest,
    changes: FeatureWriter = this.changes,
  ): Promise<FeatureSegment> {
    const { key, name = null, description = null } = request;
    const when = checked(toConditions(request.when));
    const now = new Date();
    try {
      return await changes.change(async (em, change) => {
        const texts = { name, description };
        const segment = em.create(FeatureSegment, { key, ...texts, conditions: when, createdAt: now, updatedAt: now });
        change.names(`segment:${key}`);
        this.record(actor, 'segment.created', key, { after: { ...texts, when } });
        change.log({
          actor,
          kind: 'segment',
          segment: key,
          before: null,
          after: toState(segment),
          reason: request.reason,
        });
        await em.flush();
        return segment;
      });
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      throw problem('conflict', { detail: `There is a segment "${key}" already`, cause: error });
    }
  }

  /**
   * Changes a segment. What is left out stays, null clears.
   * @param version that the caller read; null for any.
   * @throws Problem `not_found`; `precondition_failed`; `validation_failed`.
   */
  async update(
    actor: Actor,
    key: string,
    { when, reason, ...texts }: UpdateSegmentRequest,
    version: number | null,
    changes: FeatureWriter = this.changes,
  ): Promise<FeatureSegment> {
    const wanted = { ...texts, ...(when && { when: checked(toConditions(when)) }) };
    return changes.change(async (em, change) => {
      const segment = await find(em, key, version);
      const before = toData(segment);
      const fields = (['name', 'description', 'when'] as const).filter(
        (field) => wanted[field] !== undefined && !equal(before[field] as Json, wanted[field] as Json),
      );
      if (fields.length === 0) return segment;
      const after = Object.fromEntries(fields.map((field) => [field, wanted[field]]));
      const { when: conditions = segment.conditions, ...rest } = after as Partial<typeof before>;
      Object.assign(segment, rest, { conditions, version: segment.version + 1 });
      change.names(`segment:${key}`);
      this.record(actor, 'segment.updated', key, {
        before: Object.fromEntries(fields.map((field) => [field, before[field]])),
        after,
      });
      const states = { before: before as unknown as JsonObject, after: toState(segment) };
      change.log({ actor, kind: 'segment', segment: key, ...states, reason });
      await em.flush();
      return segment;
    });
  }

  /**
   * Removes a segment that no rule names.
   * @param version that the caller read; null for any.
   * @throws Problem `not_found`; `precondition_failed`; `feature_segment_in_use` with the features.
   */
  async remove(
    actor: Actor,
    key: string,
    version: number | null,
    reason: string | null = null,
    changes: FeatureWriter = this.changes,
  ): Promise<void> {
    await changes.change(async (em, change) => {
      const segment = await find(em, key, version);
      const features = await featuresNaming(em, key);
      if (features.length > 0)
        throw problem('feature_segment_in_use', { detail: `Rules of these name it: ${features.join(', ')}` });
      change.names(`segment:${key}`);
      change.log({ actor, kind: 'segment', segment: key, before: toState(segment), after: null, reason });
      this.record(actor, 'segment.deleted', key, { before: toData(segment) });
      await em.remove(segment).flush();
    });
  }

  private record(actor: Actor, action: string, key: string, change: { before?: AuditData; after?: AuditData }): void {
    this.audit.record(actor, action, { target: { type: 'segment', id: key }, ...change });
  }
}

/** Changes of features have their turns, so that what was read is so until the commit. */
async function find(em: EntityManager, key: string, version: number | null): Promise<FeatureSegment> {
  const segment = await em.findOneOrFail(FeatureSegment, { key }, { failHandler: () => problem('not_found') });
  if (version !== null && version !== segment.version) throw problem('precondition_failed');
  return segment;
}

function toData({ name, description, conditions }: FeatureSegment) {
  return { name: name ?? null, description: description ?? null, when: conditions };
}

/** What a segment is, whole, as the change log keeps it. */
function toState(segment: FeatureSegment): JsonObject {
  return toData(segment) as unknown as JsonObject;
}

function checked(when: ConditionData[]): ConditionData[] {
  const errors = checkConditions(when);
  if (errors.length > 0) throw problem('validation_failed', { errors: errors.slice(0, 20) });
  return when;
}

/** The first features, by key, of which a rule somewhere names a segment. */
async function featuresNaming(em: EntityManager, key: string): Promise<string[]> {
  const rows = await em.execute<{ feature: string }[]>(
    `select distinct c.feature_key collate "C" as feature
       from feature_configurations c, jsonb_array_elements(c.rules) as rule
      where rule -> 'segments' @> to_jsonb(?::text) order by 1 limit 20`,
    [key],
  );
  return rows.map(({ feature }) => feature);
}
