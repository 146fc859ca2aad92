import pg from 'pg';

import { urlsOf, type Connection } from './connection-file.js';

/**
 * Makes the login roles `tenon_owner` (CREATEROLE, no superuser) and `tenon` (nothing), and the database `tenon` of the
 * owner. What is there already stays as it is, so a start that was killed in the middle is completed by the next one.
 */
export async function createLogins(connection: Connection): Promise<void> {
  const client = new pg.Client({ connectionString: urlsOf(connection).superuserUrl });
  await client.connect();
  try {
    await createLogin(client, 'tenon_owner', 'createrole', connection.ownerPassword);
    await createLogin(client, 'tenon', '', connection.appPassword);
    const databases = await client.query(`select 1 from pg_database where datname = 'tenon'`);
    if (databases.rowCount === 0) await client.query('create database tenon owner tenon_owner');
  } finally {
    await client.end();
  }
}

async function createLogin(client: pg.Client, name: string, attributes: string, password: string): Promise<void> {
  const roles = await client.query('select 1 from pg_roles where rolname = $1', [name]);
  if (roles.rowCount) return;
  await client.query(`create role ${name} login ${attributes} password ${client.escapeLiteral(password)}`);
}
