import { randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import { inject } from 'vitest';
import { TEMPLATE, withDatabaseName } from './global-setup.js';

/** A database of one test file. */
export interface TestDatabase {
  name: string;
  ownerUrl: string;
  appUrl: string;
  superuserUrl: string;
  /** As superuser: sees and changes everything, past every policy. */
  sql: Pool;
  drop(): Promise<void>;
}

/**
 * `pg_locks` of this database alone. Those of other tests are in it as well, and databases made from one template have
 * the same numbers for their tables.
 */
export const LOCKS_HERE =
  '(select * from pg_locks where database = (select oid from pg_database where datname = current_database())) as locks';

let maintenance: Pool | undefined;

/** What makes and drops databases: one connection a worker, since each new one costs the server about 30 ms of CPU. */
function inMaintenance(sql: string): Promise<unknown> {
  if (!maintenance) {
    const connectionString = withDatabaseName(inject('cluster').superuserUrl, 'postgres');
    maintenance = new Pool({ connectionString, max: 1, idleTimeoutMillis: 0, allowExitOnIdle: true });
    maintenance.on('error', () => undefined);
  }
  return maintenance.query(sql);
}

/** A fresh copy of the migrated template, or an empty database with `{ migrated: false }`. */
export async function createDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const { superuserUrl, ownerUrl, appUrl } = inject('cluster');
  const name = `t_${randomBytes(6).toString('hex')}`;
  const owner = decodeURIComponent(new URL(ownerUrl).username);
  // Files are copied: through the WAL, which is the default, a copy costs 120 ms of CPU instead of 70.
  await inMaintenance(
    `create database ${name} ${migrated ? `template ${TEMPLATE}` : ''} strategy file_copy owner "${owner}"`,
  );
  const sql = new Pool({ connectionString: withDatabaseName(superuserUrl, name), max: 4, idleTimeoutMillis: 0 });
  // Dropping by force ends these connections.
  sql.on('error', () => undefined);
  return {
    name,
    ownerUrl: withDatabaseName(ownerUrl, name),
    appUrl: withDatabaseName(appUrl, name),
    superuserUrl: withDatabaseName(superuserUrl, name),
    sql,
    drop: async () => {
      await sql.end();
      // Half a second for those who are leaving: one that is ended by force says so to a client that listens no more.
      await inMaintenance(`do $$ begin
        for attempt in 1 .. 25 loop
          exit when not exists (select from pg_stat_activity where datname = '${name}');
          perform pg_sleep(0.02), pg_stat_clear_snapshot();
        end loop;
      end $$`);
      await inMaintenance(`drop database if exists ${name} with (force)`);
    },
  };
}
