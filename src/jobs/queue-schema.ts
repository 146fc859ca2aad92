import { DEFAULT_SCHEMA, runMigrations } from 'bullmq';
import { Client } from 'pg';
import { APP_ROLE, SYSTEM_ROLE } from '../database/tenant-context.js';

/** The schema that BullMQ keeps its queues in. */
export const QUEUE_SCHEMA = DEFAULT_SCHEMA;

/**
 * Brings BullMQ's schema to the version of this release and lets `roles` use it. Idempotent; BullMQ holds an advisory
 * lock meanwhile, so that several instances may do it at once. Nobody but the owner may create anything there.
 * @param ownerUrl of the owner of the database.
 */
export async function migrateQueues(
  ownerUrl: string,
  roles: readonly string[] = [APP_ROLE, SYSTEM_ROLE],
): Promise<void> {
  const owner = new Client({
    connectionString: ownerUrl,
    connectionTimeoutMillis: 5_000,
    application_name: 'tenon-migrate',
  });
  await owner.connect();
  try {
    await runMigrations(owner, QUEUE_SCHEMA);
    const to = roles.join(', ');
    // Each of BullMQ's migrations can bring objects, so the grants follow every run, as one transaction.
    await owner.query(`
      begin;
      select pg_advisory_xact_lock(7362640107);
      grant usage on schema ${QUEUE_SCHEMA} to ${to};
      grant select, insert, update, delete on all tables in schema ${QUEUE_SCHEMA} to ${to};
      revoke insert, update, delete on ${QUEUE_SCHEMA}.migration from ${to};
      grant usage, select on all sequences in schema ${QUEUE_SCHEMA} to ${to};
      grant execute on all functions in schema ${QUEUE_SCHEMA} to ${to};
      commit`);
  } finally {
    await owner.end();
  }
}
