import type { EntityManager } from '@mikro-orm/postgresql';

/** Ids of the platform admins who can sign in. */
export async function activeAdmins(em: EntityManager): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select id from users where platform_role = 'admin' and status = 'active' order by id`,
  );
  return rows.map(({ id }) => id);
}
