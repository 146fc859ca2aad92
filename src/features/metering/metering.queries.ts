import type { EntityManager } from '@mikro-orm/postgresql';
import type { Counted } from './metering.view.js';

/** Where something is counted. */
export interface Meter {
  organizationId: string;
  feature: string;
  environment: string;
}

/** What `consume_feature()` answers. */
export interface Consumption extends Counted {
  outcome: 'counted' | 'limit_reached' | 'key_reused' | 'not_metered' | 'unknown';
  /** The limit that was in force; of a call that was repeated, at the first. */
  allowed: number;
}

interface Row {
  outcome: Consumption['outcome'];
  used: string;
  allowed: string;
  resets_at: string | null;
}

/**
 * Counts a use unless it goes beyond what is allowed: one function of the database, in one transaction.
 * @param em of a transaction of the tenant.
 */
export async function consume(
  em: EntityManager,
  { organizationId, feature, environment }: Meter,
  { idempotencyKey, amount }: { idempotencyKey: string; amount: number },
  allowed: number,
): Promise<Consumption> {
  const [row] = await em.execute<[Row]>('select * from consume_feature(?, ?, ?, ?, ?, ?)', [
    organizationId,
    feature,
    environment,
    idempotencyKey,
    amount,
    allowed,
  ]);
  return { outcome: row.outcome, used: Number(row.used), allowed: Number(row.allowed), resetsAt: row.resets_at };
}

/**
 * What is used of a feature in its present period; null when it is not metered.
 * @param em of a transaction of the tenant.
 */
export async function readUsage(
  em: EntityManager,
  { organizationId, feature, environment }: Meter,
): Promise<Counted | null> {
  const [row] = await em.execute<{ used: string; resets_at: string | null }[]>(
    `select coalesce(m.used, 0) as used, period.resets_at
       from feature_definitions f cross join feature_period(f.metering ->> 'period', clock_timestamp()) period
       left join feature_meters m on m.organization_id = ? and m.feature_key = f.key and m.environment_key = ?
                                 and m.period_start = period.starts_at
      where f.key = ? and jsonb_typeof(f.metering) = 'object'`,
    [organizationId, environment, feature],
  );
  return row ? { used: Number(row.used), resetsAt: row.resets_at } : null;
}
