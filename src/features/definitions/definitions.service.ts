import { EntityManager, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { AuditData } from '../../audit/audit-entry.entity.js';
import { AuditService } from '../../audit/audit.service.js';
import type { Actor } from '../../kernel/actor.js';
import type { Json, JsonObject } from '../../kernel/json.js';
import { readSort } from '../../kernel/lists.js';
import { problem } from '../../kernel/problem.js';
import { PlanRemoval } from '../../organizations/plans/plan-removal.js';
import { readConfigurations } from '../configurations/configuration-state.js';
import { equal } from '../evaluator/values.js';
import type { OpenChange } from '../change-log/change-entry.js';
import { FeatureChanges, type FeatureWriter } from '../feature-changes.js';
import { templatesNaming } from '../templates/templates.queries.js';
import { checkGraph } from '../graph/graph.queries.js';
import { definitionFaults } from './definition-faults.js';
import type { CreateFeatureRequest, FeaturesQuery, UpdateFeatureRequest } from './definitions.dto.js';
import {
  dependentsOf,
  FEATURE_SORTS,
  type FeatureFacts,
  insertFeature,
  listFeatures,
  raiseVersions,
  readFeatures,
  readFeaturesOf,
  replaceConflicts,
  replaceDependencies,
  replacePlans,
  updateFeature,
  widgetsNeeding,
} from './definitions.queries.js';
import { refuseMisfits } from './stored-values.js';
import { refuseUnknown } from './unknown-keys.js';

/** What of a feature can be changed. */
const FIELDS = [
  'name',
  'description',
  'category',
  'defaultValue',
  'schema',
  'variants',
  'metering',
  'dependencies',
  'conflicts',
  'plans',
  'lifecycle',
  'owner',
  'tags',
  'removeBy',
] as const;
type Field = (typeof FIELDS)[number];
/** What leads to others. */
const RELATIONS = ['dependencies', 'conflicts', 'plans'] as const satisfies Field[];
const GRAPH: ReadonlySet<Field> = new Set(['dependencies', 'conflicts', 'lifecycle']);

/** The features of the customer's product. */
@Injectable()
export class DefinitionsService implements OnModuleInit {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly changes: FeatureChanges,
    private readonly plans: PlanRemoval,
  ) {}

  /** What a plan gives of features goes with it. */
  onModuleInit(): void {
    this.plans.provide((actor, plan, work) =>
      this.changes.change(async (em, change) => {
        const before = await readFeaturesOf(em, plan);
        await work(em);
        await this.tellOthers(em, actor, before, 'plans', change);
      }),
    );
  }

  /** Features that the filters leave, and how many there are. */
  async list(query: FeaturesQuery): Promise<[FeatureFacts[], number]> {
    return listFeatures(this.em, query, readSort(query.sort, FEATURE_SORTS, { field: 'key', direction: 'asc' }));
  }

  /** @throws Problem `not_found`. */
  async get(key: string): Promise<FeatureFacts> {
    return find(this.em, key);
  }

  /**
   * Makes a feature.
   * @throws Problem `conflict` when the key is taken; `validation_failed` with what does not fit; what the graph refuses.
   */
  async create(
    actor: Actor,
    { reason, ...request }: CreateFeatureRequest,
    changes: FeatureWriter = this.changes,
  ): Promise<FeatureFacts> {
    const facts = toFacts(request);
    refuseFaults(facts, FIELDS);
    try {
      return await changes.change(async (em, change) => {
        await refuseUnknown(em, facts);
        const others = await readFeatures(em, facts.conflicts);
        await insertFeature(em, facts);
        // There is nothing of a new feature to replace: an import makes 1,000 of them while others wait.
        const given = RELATIONS.filter((field) => Object.keys(facts[field]).length > 0);
        await this.writeRelations(em, facts, given);
        await refuseGraph(em, facts.key, given);
        change.names(facts.key);
        this.record(actor, 'feature.created', facts.key, { after: pick(facts, ['type', ...FIELDS]) });
        const made = await find(em, facts.key);
        change.log({ actor, kind: 'feature', feature: made.key, before: null, after: toState(made), reason });
        await this.tellOthers(em, actor, others, 'conflicts', change);
        return made;
      });
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      throw problem('conflict', { detail: `There is a feature "${facts.key}" already`, cause: error });
    }
  }

  /**
   * Changes a feature. What is left out stays, null clears, lists are replaced.
   * @param version that the caller read; null for any.
   * @throws Problem `not_found`; `precondition_failed`; `validation_failed`; `conflict` when what is stored does not fit any
   * more; `feature_in_use` for archiving what others need; what the graph refuses.
   * @param changes how it is done: as every change, or only tried.
   */
  async update(
    actor: Actor,
    key: string,
    request: UpdateFeatureRequest,
    version: number | null,
    changes: FeatureWriter = this.changes,
  ): Promise<FeatureFacts> {
    return changes.change(async (em, change) => {
      const before = await findVersion(em, key, version);
      const given = FIELDS.filter((field) => request[field] !== undefined);
      const after = toFacts({ ...before, ...pick(request, given) });
      const fields = given.filter((field) => !equal(before[field] as Json, after[field] as Json));
      if (fields.length === 0) return before;
      refuseFaults(after, fields);
      await refuseUnknown(em, pick(after, fields));
      if (fields.includes('lifecycle') && after.lifecycle === 'archived') await refuseInUse(em, key, 'archive');
      if (fields.includes('schema') || fields.includes('variants')) await refuseMisfits(em, after);
      const others = fields.includes('conflicts')
        ? await readFeatures(em, onlyInOne(before.conflicts, after.conflicts))
        : [];
      await updateFeature(em, after);
      await this.writeRelations(em, after, fields);
      await refuseGraph(em, key, fields);
      change.names(key);
      this.record(actor, 'feature.updated', key, { before: pick(before, fields), after: pick(after, fields) });
      const changed = await find(em, key);
      const states = { before: toState(before), after: toState(changed) };
      change.log({ actor, kind: 'feature', feature: key, ...states, reason: request.reason });
      await this.tellOthers(em, actor, others, 'conflicts', change);
      return changed;
    });
  }

  /**
   * Removes a feature with what it is everywhere and what organizations have of it.
   * @param version that the caller read; null for any.
   * @throws Problem `not_found`; `precondition_failed`; `feature_in_use` with those that need it, or templates that give it.
   * @param changes how it is done: as every change, or only tried.
   */
  async remove(
    actor: Actor,
    key: string,
    version: number | null,
    reason: string | null = null,
    changes: FeatureWriter = this.changes,
  ): Promise<void> {
    await changes.change(async (em, change) => {
      const before = await findVersion(em, key, version);
      await refuseInUse(em, key, 'remove');
      const others = await readFeatures(em, before.conflicts);
      const state = { ...toState(before), configurations: await readConfigurations(em, key) };
      await em.execute('delete from feature_definitions where key = ?', [key]);
      change.names(key);
      change.log({ actor, kind: 'feature', feature: key, before: state, after: null, reason });
      this.record(actor, 'feature.deleted', key, { before: pick(before, ['type', ...FIELDS]) });
      await this.tellOthers(em, actor, others, 'conflicts', change);
    });
  }

  private async writeRelations(em: EntityManager, facts: FeatureFacts, fields: readonly Field[]): Promise<void> {
    if (fields.includes('dependencies')) await replaceDependencies(em, facts);
    if (fields.includes('conflicts')) await replaceConflicts(em, facts);
    if (fields.includes('plans')) await replacePlans(em, facts);
  }

  /** A conflict is one of both, and a plan is of many: these features have changed with something else. */
  private async tellOthers(
    em: EntityManager,
    actor: Actor,
    before: FeatureFacts[],
    field: 'conflicts' | 'plans',
    change: OpenChange,
  ): Promise<void> {
    if (before.length === 0) return;
    const keys = before.map(({ key }) => key);
    await raiseVersions(em, keys);
    const after = new Map((await readFeatures(em, keys)).map((facts) => [facts.key, facts]));
    for (const facts of before) {
      const now = after.get(facts.key)!;
      const states = { before: toState(facts), after: toState(now) };
      change.log({ actor, kind: 'feature', feature: facts.key, ...states, derived: true });
      this.record(actor, 'feature.updated', facts.key, { before: pick(facts, [field]), after: pick(now, [field]) });
    }
    change.names(...keys);
  }

  private record(actor: Actor, action: string, key: string, change: { before?: AuditData; after?: AuditData }): void {
    this.audit.record(actor, action, { target: { type: 'feature', id: key }, ...change });
  }
}

async function find(em: EntityManager, key: string): Promise<FeatureFacts> {
  const [facts] = await readFeatures(em, [key]);
  if (!facts) throw problem('not_found');
  return facts;
}

/** What a feature is, whole, as the change log keeps it. */
function toState(facts: FeatureFacts): JsonObject {
  return pick(facts, ['type', ...FIELDS]) as JsonObject;
}

/** A feature for a change: as changes of features have their turns, it is so until the commit. */
async function findVersion(em: EntityManager, key: string, version: number | null): Promise<FeatureFacts> {
  const facts = await find(em, key);
  if (version !== null && version !== facts.version) throw problem('precondition_failed');
  return facts;
}

/** With what is left out as what it then is; a class's own fields alone, so that instances of requests become data. */
function toFacts(from: CreateFeatureRequest | FeatureFacts): FeatureFacts {
  const now = new Date();
  const { variants = null, metering = null } = from;
  return {
    version: 1,
    createdAt: now,
    updatedAt: now,
    ...from,
    description: from.description ?? null,
    category: from.category ?? null,
    schema: from.schema ?? null,
    variants: variants && variants.map((variant) => ({ ...variant })),
    metering: metering && { ...metering },
    dependencies: (from.dependencies ?? []).toSorted(),
    conflicts: (from.conflicts ?? []).toSorted(),
    plans: from.plans ?? {},
    lifecycle: from.lifecycle ?? 'active',
    owner: from.owner ?? null,
    tags: from.tags ?? [],
    removeBy: from.removeBy ?? null,
  };
}

/**
 * Refuses what does not fit together: as a fault of the request what it gave, as a conflict what it left as it was.
 * @param given the fields of the request.
 */
function refuseFaults(facts: FeatureFacts, given: readonly string[]): void {
  const errors = definitionFaults(facts);
  if (errors.length === 0) return;
  const own = errors.filter(({ field }) => given.includes(field.split('.')[0]!));
  if (own.length > 0) throw problem('validation_failed', { errors });
  throw problem('conflict', {
    detail: errors
      .map(({ message }) => message)
      .join('; ')
      .slice(0, 1_000),
    errors,
  });
}

/** Looks at the graph where a change touches it; what is left as it is was looked at when it was made. */
async function refuseGraph(em: EntityManager, key: string, fields: readonly Field[]): Promise<void> {
  if (fields.some((field) => GRAPH.has(field))) await checkGraph(em, key);
}

async function refuseInUse(em: EntityManager, key: string, verb: 'archive' | 'remove'): Promise<void> {
  const widgets = (await widgetsNeeding(em, key)).map((widget) => `the widget ${widget}`);
  const dependents = [...(await dependentsOf(em, key, verb === 'remove')), ...widgets];
  if (dependents.length > 0)
    throw problem('feature_in_use', { detail: `${key} is needed by ${dependents.slice(0, 20).join(', ')}` });
  const templates = await templatesNaming(em, key);
  if (templates.length > 0)
    throw problem('feature_in_use', { detail: `${key} is given by the templates ${templates.join(', ')}` });
}

function pick<T extends object, K extends keyof T>(from: T, fields: readonly K[]): Pick<T, K> & AuditData {
  return Object.fromEntries(fields.map((field) => [field, from[field]])) as Pick<T, K> & AuditData;
}

/** What is in one of two lists alone. */
function onlyInOne(one: readonly string[], other: readonly string[]): string[] {
  return [...one.filter((key) => !other.includes(key)), ...other.filter((key) => !one.includes(key))];
}
