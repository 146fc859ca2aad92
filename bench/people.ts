import { hash } from '@node-rs/argon2';
import { Client } from 'pg';
import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';

/** What everybody whom a bench puts into the tables signs in with. */
export const PASSWORD = 'correct horse battery staple';

/** Its hash, of the cost that Tenon takes. */
export function storedPassword(): Promise<string> {
  return hash(PASSWORD, { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 });
}

/** The superuser, whom no policy binds, on the database of the application. */
export function superuserUrl({ superuserUrl: url, appUrl }: EmbeddedPostgres): string {
  return Object.assign(new URL(url), { pathname: new URL(appUrl).pathname }).href;
}

/** A connection as that superuser; the caller ends it. */
export async function asSuperuser(postgres: EmbeddedPostgres): Promise<Client> {
  const client = new Client({ connectionString: superuserUrl(postgres) });
  await client.connect();
  return client;
}
