import type { EntityManager } from '@mikro-orm/postgresql';

/** The first templates, by key, that give a value of a feature. @param em of a system transaction. */
export async function templatesNaming(em: EntityManager, feature: string): Promise<string[]> {
  const rows = await em.execute<{ key: string }[]>(
    `select key from feature_templates where feature_values @> ?::jsonb order by key collate "C" limit 20`,
    [JSON.stringify([{ feature }])],
  );
  return rows.map(({ key }) => key);
}
