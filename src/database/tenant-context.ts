import type { EntityManager } from '@mikro-orm/postgresql';
import type { Actor } from '../kernel/actor.js';

/** The role that sees every tenant; reached by `set local role` alone, never inherited. */
export const SYSTEM_ROLE = 'tenon_system';
/** The role whose rights the process has otherwise. */
export const APP_ROLE = 'tenon_app';

/**
 * Tells the database who is asking. From here on each transaction of `em` sets `app.user_id` and
 * `app.organization_id`, which the policies compare; without them a query finds nothing.
 */
export function enterTenant(em: EntityManager, actor: Actor): void {
  const variables: Record<string, string> = {};
  if (actor.userId) variables['app.user_id'] = actor.userId;
  if (actor.organizationId) variables['app.organization_id'] = actor.organizationId;
  if (Object.keys(variables).length > 0) em.setSessionContext({ variables });
}

/**
 * Runs `work` in one transaction as `tenon_system`, across tenants: for sign-in by e-mail, cleanup, reports, and
 * nothing that could be done as the caller. The transaction commits when `work` resolves.
 * @throws Error inside a transaction of a tenant: a role change in its middle would widen what came before.
 */
export function asSystem<T>(em: EntityManager, work: (em: EntityManager) => Promise<T>): Promise<T> {
  if (em.isInTransaction()) {
    if (em.getSessionContext()?.role === SYSTEM_ROLE) return work(em);
    throw new Error('asSystem inside a transaction of a tenant');
  }
  // A fork of its own: rows read across tenants must not stay in the identity map that the caller reads from.
  return em.fork({ session: { role: SYSTEM_ROLE } }).transactional(work);
}

/**
 * Runs a statement across tenants, with values as `em.execute` takes them. When it fails, nothing of it is held any more.
 * @returns its rows.
 */
export type SystemStatement = <Row extends object>(sql: string, values?: readonly unknown[]) => Promise<Row[]>;

/**
 * As {@link asSystem}, for statements that are a transaction each. Role and statement are one message, which PostgreSQL runs
 * as one transaction (documentation, 54.2.2.1, "Multiple Statements in a Simple Query"): one round trip in place of three.
 * @param lockTimeout how long they wait for a lock, as PostgreSQL takes it; for as long as it takes unless said.
 */
export function systemStatements(em: EntityManager, lockTimeout?: string): SystemStatement {
  const context = `set local role ${SYSTEM_ROLE}; ${lockTimeout ? `set local lock_timeout = '${lockTimeout}'; ` : ''}`;
  return async <Row extends object>(sql: string, values: readonly unknown[] = []) => {
    const pool = await em.getConnection().getNativeClient();
    const text = context + em.getPlatform().formatQuery(sql, values);
    // As every other statement is; past the driver nobody else would.
    em.config.getLogger().logQuery({ query: sql });
    const client = await pool.connect();
    try {
      // pg gives a result for each statement of a message.
      const results = (await client.query(text)) as unknown as { rows: Row[] }[];
      return results.at(-1)!.rows;
    } catch (error) {
      // PostgreSQL tells of an error before it has let go of the rows, and whoever tries again, on another connection,
      // would pass them over as somebody else's. This is answered once the transaction is over.
      await client.query('select 1').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  };
}
