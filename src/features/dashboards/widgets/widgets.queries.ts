import type { EntityManager } from '@mikro-orm/postgresql';
import type { JsonObject } from '../../../kernel/json.js';
import type { WidgetsQuery } from './widgets.dto.js';

/** A widget with the features that it needs. */
export interface WidgetFacts {
  key: string;
  name: string;
  description: string | null;
  type: string;
  requiredFeatures: string[];
  settingsSchema: JsonObject | null;
  defaultSize: { w: number; h: number };
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

const FACTS = `
  w.key, w.name, w.description, w.type, w.settings_schema as "settingsSchema",
  json_build_object('w', w.default_width, 'h', w.default_height) as "defaultSize",
  to_jsonb(array(select r.feature_key from widget_required_features r
                  where r.widget_key = w.key order by r.feature_key collate "C")) as "requiredFeatures",
  w.version, w.created_at as "createdAt", w.updated_at as "updatedAt"`;

/** Widgets, by key: those of some keys, where they are there, or all. */
export async function readWidgets(em: EntityManager, keys: readonly string[] | null): Promise<WidgetFacts[]> {
  const rows = await em.execute<WidgetFacts[]>(
    `select ${FACTS} from widget_library w
      where ?::jsonb is null or w.key in (select jsonb_array_elements_text(?::jsonb)) order by w.key collate "C"`,
    [keys && JSON.stringify(keys), keys && JSON.stringify(keys)],
  );
  return rows.map(withDates);
}

/** A page of widgets by key, and how many there are on all. */
export async function listWidgets(
  em: EntityManager,
  { page, perPage, type, requiredFeature, q }: WidgetsQuery,
): Promise<[WidgetFacts[], number]> {
  const parts: [condition: string, value: string | undefined][] = [
    ['w.type = ?', type],
    [
      'exists (select from widget_required_features r where r.widget_key = w.key and r.feature_key = ?)',
      requiredFeature,
    ],
    // No pattern, so that % and _ are what they are.
    [`strpos(lower(concat_ws(' ', w.key, w.name, w.description)), lower(?)) > 0`, q],
  ];
  const asked = parts.filter((part): part is [string, string] => part[1] !== undefined);
  const where = ['true', ...asked.map(([condition]) => condition)].join(' and ');
  const values = asked.map(([, value]) => value);
  const [count] = await em.execute<{ total: number }[]>(
    `select count(*)::int as total from widget_library w where ${where}`,
    values,
  );
  const rows = await em.execute<WidgetFacts[]>(
    `select ${FACTS} from widget_library w where ${where} order by w.key collate "C" limit ? offset ?`,
    [...values, perPage, (page - 1) * perPage],
  );
  return [rows.map(withDates), count!.total];
}

/** The driver gives instants as texts. */
function withDates(row: WidgetFacts): WidgetFacts {
  return { ...row, createdAt: new Date(row.createdAt), updatedAt: new Date(row.updatedAt) };
}

const COLUMNS = 'key, name, description, type, settings_schema, default_width, default_height';

function record({ settingsSchema, defaultSize: { w, h }, ...facts }: WidgetFacts): string {
  return JSON.stringify({ ...facts, settings_schema: settingsSchema, default_width: w, default_height: h });
}

/** Writes a new widget. */
export async function insertWidget(em: EntityManager, facts: WidgetFacts): Promise<void> {
  await em.execute(
    `insert into widget_library (${COLUMNS}, created_at, updated_at)
     select ${COLUMNS}, now(), now() from jsonb_populate_record(null::widget_library, ?::jsonb)`,
    [record(facts)],
  );
  await replaceRequiredFeatures(em, facts);
}

/** Writes a widget that is there, and raises its version. */
export async function updateWidget(em: EntityManager, facts: WidgetFacts): Promise<void> {
  await em.execute(
    `update widget_library
        set (${COLUMNS}, version, updated_at) =
            (select ${COLUMNS}, widget_library.version + 1, now()
               from jsonb_populate_record(null::widget_library, ?::jsonb))
      where key = ?`,
    [record(facts), facts.key],
  );
  await replaceRequiredFeatures(em, facts);
}

async function replaceRequiredFeatures(em: EntityManager, { key, requiredFeatures }: WidgetFacts): Promise<void> {
  await em.execute('delete from widget_required_features where widget_key = ?', [key]);
  await em.execute(
    'insert into widget_required_features (widget_key, feature_key) select ?, jsonb_array_elements_text(?::jsonb)',
    [key, JSON.stringify(requiredFeatures)],
  );
}
