import type { EntityManager } from '@mikro-orm/postgresql';
import type { Json, JsonObject } from '../../kernel/json.js';
import type { FeaturesQuery } from './definitions.dto.js';
import type { FeatureType, Lifecycle, Metering, Variant } from './feature-definition.entity.js';

/** A feature with what it needs, what it conflicts with and what plans give of it. */
export interface FeatureFacts {
  key: string;
  name: string;
  description: string | null;
  type: FeatureType;
  category: string | null;
  defaultValue: Json;
  schema: JsonObject | null;
  variants: Variant[] | null;
  metering: Metering | null;
  dependencies: string[];
  conflicts: string[];
  plans: Record<string, Json>;
  lifecycle: Lifecycle;
  owner: string | null;
  tags: string[];
  /** A day, such as 2027-03-31. */
  removeBy: string | null;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** The sorting of keys is that of their bytes, in every database alike. */
const FACTS = `
  f.key, f.name, f.description, f.type, f.category, f.default_value as "defaultValue", f.schema, f.variants, f.metering,
  f.lifecycle, f.owner, to_jsonb(f.tags) as tags, f.remove_by::text as "removeBy", f.version, f.created_at as "createdAt", f.updated_at as "updatedAt",
  to_jsonb(array(select d.requires_key from feature_dependencies d
                  where d.feature_key = f.key order by d.requires_key collate "C")) as dependencies,
  to_jsonb(array(select other from (
      select c.conflicts_with_key as other from feature_conflicts c where c.feature_key = f.key
      union all select c.feature_key from feature_conflicts c where c.conflicts_with_key = f.key) as pair
    order by other collate "C")) as conflicts,
  (select coalesce(jsonb_object_agg(v.plan_key, v.value), '{}') from feature_plan_values v where v.feature_key = f.key) as plans`;

const SORTS = { key: 'f.key collate "C"', createdAt: 'f.created_at', updatedAt: 'f.updated_at' };
/** What a list of features is sorted by. */
export const FEATURE_SORTS = Object.keys(SORTS) as (keyof typeof SORTS)[];

/** Features by their keys, null for all; those that are not there are left out. */
export async function readFeatures(em: EntityManager, keys: readonly string[] | null): Promise<FeatureFacts[]> {
  if (keys?.length === 0) return [];
  const rows = await em.execute<FeatureFacts[]>(
    `select ${FACTS} from feature_definitions f
      ${keys ? 'where f.key in (select jsonb_array_elements_text(?::jsonb))' : ''} order by f.key collate "C"`,
    keys ? [JSON.stringify(keys)] : [],
  );
  return rows.map(withDates);
}

/** The features of which a plan gives a value. */
export async function readFeaturesOf(em: EntityManager, plan: string): Promise<FeatureFacts[]> {
  const rows = await em.execute<{ key: string }[]>(
    'select feature_key as key from feature_plan_values where plan_key = ?',
    [plan],
  );
  return rows.length === 0
    ? []
    : readFeatures(
        em,
        rows.map(({ key }) => key),
      );
}

/** A page of features, and how many there are on all. */
export async function listFeatures(
  em: EntityManager,
  { page, perPage, lifecycle, type, category, tag, q }: FeaturesQuery,
  { field, direction }: { field: keyof typeof SORTS; direction: 'asc' | 'desc' },
): Promise<[FeatureFacts[], number]> {
  const filters: [string, ...string[]][] = [];
  if (lifecycle) filters.push(['f.lifecycle = ?', lifecycle]);
  if (type) filters.push(['f.type = ?', type]);
  if (category) filters.push(['f.category = ?', category]);
  if (tag) filters.push(['? = any(f.tags)', tag]);
  // No pattern, so that % and _ are what they are.
  if (q) filters.push(['(strpos(f.key, lower(?)) > 0 or strpos(lower(f.name), lower(?)) > 0)', q, q]);
  const where = filters.length > 0 ? `where ${filters.map(([condition]) => condition).join(' and ')}` : '';
  const values = filters.flatMap(([, ...given]) => given);
  const [count] = await em.execute<{ total: number }[]>(
    `select count(*)::int as total from feature_definitions f ${where}`,
    values,
  );
  const rows = await em.execute<FeatureFacts[]>(
    `select ${FACTS} from feature_definitions f ${where}
      order by ${SORTS[field]} ${direction}, f.key collate "C" limit ? offset ?`,
    [...values, perPage, (page - 1) * perPage],
  );
  return [rows.map(withDates), count!.total];
}

/** The driver gives instants as texts. */
function withDates(row: FeatureFacts): FeatureFacts {
  return { ...row, createdAt: new Date(row.createdAt), updatedAt: new Date(row.updatedAt) };
}

const COLUMNS = `key, name, description, type, category, default_value, schema, variants, metering, lifecycle, owner, tags, remove_by`;
const record = (facts: FeatureFacts): string =>
  JSON.stringify({ ...facts, default_value: facts.defaultValue, remove_by: facts.removeBy, plans: undefined });

/** Writes a new feature, without what leads to others. */
export async function insertFeature(em: EntityManager, facts: FeatureFacts): Promise<void> {
  await em.execute(
    `insert into feature_definitions (${COLUMNS}, created_at, updated_at)
     select ${COLUMNS}, now(), now() from jsonb_populate_record(null::feature_definitions, ?::jsonb)`,
    [record(facts)],
  );
}

/** Writes a feature that is there, and raises its version. */
export async function updateFeature(em: EntityManager, facts: FeatureFacts): Promise<void> {
  await em.execute(
    `update feature_definitions
        set (${COLUMNS}, version, updated_at) =
            (select ${COLUMNS}, feature_definitions.version + 1, now()
               from jsonb_populate_record(null::feature_definitions, ?::jsonb))
      where key = ?`,
    [record(facts), facts.key],
  );
}

/** Raises the version of features that changed because another one did. */
export async function raiseVersions(em: EntityManager, keys: readonly string[]): Promise<void> {
  await em.execute(
    `update feature_definitions set version = version + 1, updated_at = now()
      where key in (select jsonb_array_elements_text(?::jsonb))`,
    [JSON.stringify(keys)],
  );
}

/** Puts what a feature needs in place of what it needed. */
export async function replaceDependencies(em: EntityManager, { key, dependencies }: FeatureFacts): Promise<void> {
  await em.execute('delete from feature_dependencies where feature_key = ?', [key]);
  await em.execute(
    'insert into feature_dependencies (feature_key, requires_key) select ?, jsonb_array_elements_text(?::jsonb)',
    [key, JSON.stringify(dependencies)],
  );
}

/** Puts the conflicts of a feature in place of those that it had; a pair stands once, as the database orders texts. */
export async function replaceConflicts(em: EntityManager, { key, conflicts }: FeatureFacts): Promise<void> {
  await em.execute('delete from feature_conflicts where feature_key = ? or conflicts_with_key = ?', [key, key]);
  await em.execute(
    `insert into feature_conflicts (feature_key, conflicts_with_key)
     select least(?, other), greatest(?, other) from jsonb_array_elements_text(?::jsonb) as other`,
    [key, key, JSON.stringify(conflicts)],
  );
}

/** Puts what plans give of a feature in place of what they gave. */
export async function replacePlans(em: EntityManager, { key, plans }: FeatureFacts): Promise<void> {
  await em.execute('delete from feature_plan_values where feature_key = ?', [key]);
  await em.execute(
    'insert into feature_plan_values (feature_key, plan_key, value) select ?, key, value from jsonb_each(?::jsonb)',
    [key, JSON.stringify(plans)],
  );
}

/** Which of some keys no feature has. */
export async function unknownFeatures(em: EntityManager, keys: readonly string[]): Promise<string[]> {
  if (keys.length === 0) return [];
  const rows = await em.execute<{ key: string }[]>(
    'select key from feature_definitions where key in (select jsonb_array_elements_text(?::jsonb))',
    [JSON.stringify(keys)],
  );
  const known = new Set(rows.map(({ key }) => key));
  return keys.filter((key) => !known.has(key));
}

/** Which of some keys no plan has. Those that are there are held until the transaction ends. */
export async function unknownPlans(em: EntityManager, keys: readonly string[]): Promise<string[]> {
  if (keys.length === 0) return [];
  const rows = await em.execute<{ key: string }[]>(
    'select key from plans where key in (select jsonb_array_elements_text(?::jsonb)) for key share',
    [JSON.stringify(keys)],
  );
  const known = new Set(rows.map(({ key }) => key));
  return keys.filter((key) => !known.has(key));
}

/** The features that need one, by key; without archived ones where it is said. */
export async function dependentsOf(em: EntityManager, key: string, archivedToo: boolean): Promise<string[]> {
  const rows = await em.execute<{ key: string }[]>(
    `select f.key from feature_dependencies d join feature_definitions f on f.key = d.feature_key
      where d.requires_key = ? and (? or f.lifecycle <> 'archived') order by f.key collate "C"`,
    [key, archivedToo],
  );
  return rows.map((row) => row.key);
}

/** The widgets that need a feature, by key. */
export async function widgetsNeeding(em: EntityManager, key: string): Promise<string[]> {
  const rows = await em.execute<{ key: string }[]>(
    'select widget_key as key from widget_required_features where feature_key = ? order by widget_key collate "C"',
    [key],
  );
  return rows.map((row) => row.key);
}
