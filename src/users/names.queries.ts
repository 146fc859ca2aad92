import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../database/tenant-context.js';

/** What people are called, by their ids, across tenants. Deleted accounts have no name. */
export async function readNames(em: EntityManager, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await asSystem(em, (system) =>
    system.execute<{ id: string; full_name: string }[]>(
      `select id, full_name from users where id = any(?::uuid[]) and status <> 'deleted'`,
      [`{${ids.join(',')}}`],
    ),
  );
  return new Map(rows.map((row) => [row.id, row.full_name]));
}
