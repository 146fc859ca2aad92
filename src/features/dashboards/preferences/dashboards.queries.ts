import type { EntityManager } from '@mikro-orm/postgresql';
import type { Theme } from './dashboard-preferences.entity.js';
import type { PlacedWidget } from './layout.js';

/** What is stored of somebody's dashboard; of who never saved one, what stands for it. */
export interface StoredDashboard {
  /** Null: the default. */
  layout: PlacedWidget[] | null;
  theme: Theme;
  version: number;
  updatedAt: Date | null;
}

/** Whose dashboard, and where. */
export interface Whose {
  organizationId: string;
  userId: string;
}

type Row = Omit<StoredDashboard, 'updatedAt'> & { updatedAt: string | null };

/**
 * Reads somebody's dashboard; null for whoever is no member.
 * @param em of a transaction of theirs.
 */
export async function readDashboard(
  em: EntityManager,
  { organizationId, userId }: Whose,
): Promise<StoredDashboard | null> {
  const [row] = await em.execute<Row[]>(
    `select p.layout, coalesce(p.theme, 'system') as theme, coalesce(p.version, 0) as version, p.updated_at as "updatedAt"
       from user_organization_membership m
       left join user_dashboard_preferences p on p.organization_id = m.organization_id and p.user_id = m.user_id
      where m.organization_id = ? and m.user_id = ?`,
    [organizationId, userId],
  );
  return row ? toStored(row) : null;
}

/**
 * The same, held until the transaction ends; made first where there is none, so that of two who save at once the second
 * sees what the first wrote.
 */
export async function holdDashboard(
  em: EntityManager,
  { organizationId, userId }: Whose,
): Promise<StoredDashboard | null> {
  // The membership is held, too: whoever is removed meanwhile is no member, instead of a foreign key that fails.
  await em.execute(
    `insert into user_dashboard_preferences (organization_id, user_id, theme, updated_at)
     select organization_id, user_id, 'system', now() from user_organization_membership
      where organization_id = ? and user_id = ? for key share
     on conflict do nothing`,
    [organizationId, userId],
  );
  const [row] = await em.execute<Row[]>(
    `select layout, theme, version, updated_at as "updatedAt" from user_dashboard_preferences
      where organization_id = ? and user_id = ? for update`,
    [organizationId, userId],
  );
  return row ? toStored(row) : null;
}

/** Writes a dashboard that is held, and raises its version. */
export async function writeDashboard(
  em: EntityManager,
  { organizationId, userId }: Whose,
  { layout, theme }: Pick<StoredDashboard, 'layout' | 'theme'>,
): Promise<StoredDashboard> {
  const [row] = await em.execute<Row[]>(
    `update user_dashboard_preferences set layout = ?::jsonb, theme = ?, version = version + 1, updated_at = now()
      where organization_id = ? and user_id = ?
      returning layout, theme, version, updated_at as "updatedAt"`,
    [layout && JSON.stringify(layout), theme, organizationId, userId],
  );
  return toStored(row!);
}

/** A row that was made to be held was not saved. */
function toStored(row: Row): StoredDashboard {
  return { ...row, updatedAt: row.version === 0 ? null : new Date(row.updatedAt!) };
}
