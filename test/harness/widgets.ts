import type { TestApp } from './app.js';

/** A widget as a test describes it; what is left out is one without settings that needs nothing. */
export interface WidgetFacts {
  key: string;
  requiredFeatures?: string[];
  settingsSchema?: object;
  defaultSize?: { w: number; h: number };
}

/** Puts a widget into the table, past every check; nothing when there is one of its key. */
export async function insertWidget(
  { db }: TestApp,
  { key, requiredFeatures = [], settingsSchema, defaultSize: { w, h } = { w: 4, h: 2 } }: WidgetFacts,
): Promise<void> {
  await db.sql.query(
    `insert into widget_library (key, name, type, settings_schema, default_width, default_height, created_at, updated_at)
     values ($1, $1, 'metric', $2, $3, $4, now(), now()) on conflict do nothing`,
    [key, settingsSchema && JSON.stringify(settingsSchema), w, h],
  );
  await db.sql.query(
    'insert into widget_required_features (widget_key, feature_key) select $1, unnest($2::text[]) on conflict do nothing',
    [key, requiredFeatures],
  );
}
