import { randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import { inject } from 'vitest';
import { inDatabase, TEMPLATE, withDatabaseName } from './global-setup.js';

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

/** A fresh copy of the migrated template, or an empty database with `{ migrated: false }`. */
export async function createDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const { superuserUrl, ownerUrl, appUrl } = inject('cluster');
  const name = `t_${randomBytes(6).toString('hex')}`;
  const owner = decodeURIComponent(new URL(ownerUrl).username);
  await inDatabase(superuserUrl, 'postgres', (client) =>
    client.query(`create database ${name} ${migrated ? `template ${TEMPLATE}` : ''} owner "${owner}"`),
  );
  const sql = new Pool({ connectionString: withDatabaseName(superuserUrl, name), max: 4 });
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
      await inDatabase(superuserUrl, 'postgres', (client) =>
        client.query(`drop database if exists ${name} with (force)`),
      );
    },
  };
}
