import type { EntityManager } from '@mikro-orm/postgresql';
import { asSystem } from '../../database/tenant-context.js';

/** What service accounts are called, by their ids, across tenants. */
export async function readServiceAccountNames(em: EntityManager, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await asSystem(em, (system) =>
    system.execute<{ id: string; name: string }[]>('select id, name from service_accounts where id = any(?::uuid[])', [
      `{${ids.join(',')}}`,
    ]),
  );
  return new Map(rows.map((row) => [row.id, row.name]));
}
