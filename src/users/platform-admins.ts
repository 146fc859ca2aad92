import type { EntityManager } from '@mikro-orm/postgresql';

/** Who is told what concerns the whole installation. @param em of a system transaction. */
export async function platformAdmins(em: EntityManager): Promise<{ id: string; email: string; name: string }[]> {
  return em.execute(
    `select id, email, full_name as name from users where platform_role = 'admin' and status = 'active' order by id`,
  );
}
