import type { EntityManager } from '@mikro-orm/postgresql';
import { problem } from '../../kernel/problem.js';
import { Plan } from './plan.entity.js';

/**
 * Takes a plan for a change: nobody joins an organization on it, or puts one on it, until the transaction ends.
 * `count_members()` and {@link holdSeats} take it `for share`, after the row of their organization; what follows may
 * read organizations, but must not lock them.
 * @param em of a system transaction.
 * @param version that it has to have; null for any.
 * @throws Problem `not_found`; `precondition_failed`.
 */
export async function holdPlan(em: EntityManager, key: string, version: number | null): Promise<Plan> {
  // Before it is read: what it says, and who is on it, is then true until the commit.
  await em.execute('select from plans where key = ? for update', [key]);
  const plan = await em.findOne(Plan, { key });
  if (!plan) throw problem('not_found');
  if (version !== null && plan.version !== version) throw problem('precondition_failed');
  return plan;
}

/** How many organizations on a plan have more members than so many. */
export async function countAbove(em: EntityManager, key: string, seats: number): Promise<number> {
  const [row] = await em.execute<{ count: number }[]>(
    'select count(*)::int as count from organizations where plan_key = ? and member_count > ?',
    [key, seats],
  );
  return row!.count;
}

/** How many organizations are on a plan; those that wait for their removal are. */
export async function countOn(em: EntityManager, key: string): Promise<number> {
  const [row] = await em.execute<{ count: number }[]>(
    'select count(*)::int as count from organizations where plan_key = ?',
    [key],
  );
  return row!.count;
}

/**
 * The seats of a plan, held in place until the transaction ends.
 * @param em of a system transaction that has locked the organization.
 * @returns null for as many as they like; undefined when there is no such plan.
 */
export async function holdSeats(em: EntityManager, key: string): Promise<number | null | undefined> {
  const [row] = await em.execute<{ seats: number | null }[]>('select seats from plans where key = ? for share', [key]);
  return row?.seats;
}
