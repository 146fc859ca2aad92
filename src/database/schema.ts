import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { ormOptions } from '../../config/mikro-orm.config.js';
import { migrations } from '../../migrations/index.js';
import { setUpRoles } from './roles.js';

/** Any number that no other program uses: the lock of whoever migrates this database. */
const MIGRATION_LOCK = 7_362_640_105;

/** What `migrate` needs to know. */
export interface SchemaOptions {
  /** The owner of the schema. */
  ownerUrl: string;
  /** The login of the process, which is granted what it needs. */
  appUrl: string;
  /** Told of each step. */
  say: (line: string) => void;
  /** Told of each migration that has run. */
  onMigrated?: (name: string) => void;
  /** Schemas that libraries bring, migrated by the owner after ours. */
  alsoMigrate?: ((ownerUrl: string) => Promise<void>)[];
}

/** One migration and when it ran, if it did. */
export interface MigrationState {
  name: string;
  executedAt: Date | null;
  /** false: the database has it, but not this version; a newer one ran here. */
  known: boolean;
}

/**
 * Brings roles and schema to this version, under a lock: of two instances that start at once, one migrates and the
 * other finds everything done.
 * @returns the names of the migrations that ran now.
 */
export async function migrateUp(options: SchemaOptions): Promise<string[]> {
  return withMigrator(options.ownerUrl, async (migrator, owner) => {
    await setUpRoles(owner, loginOf(options.appUrl));
    const pending = await migrator.getPending();
    if (pending.length > 0) options.say(`migrating the database: ${pending.length} to run`);
    if (options.onMigrated) migrator.on('migrated', ({ name }) => options.onMigrated!(name));
    const done = await migrator.up();
    for (const also of options.alsoMigrate ?? []) await also(options.ownerUrl);
    return done.map(({ name }) => name);
  });
}

/** Takes the newest migration back. @returns its name, or nothing when none is left. */
export async function migrateDown(ownerUrl: string): Promise<string[]> {
  return withMigrator(ownerUrl, async (migrator) => (await migrator.down()).map(({ name }) => name));
}

/** Every migration of this version, in order, and whether the database has it; then those that only it has. */
export async function migrationStates(url: string): Promise<MigrationState[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  return readMigrationStates(client).finally(() => client.end());
}

/** The same on a connection that is there. */
export async function readMigrationStates(client: Client): Promise<MigrationState[]> {
  const { rows: exists } = await client.query<{ there: boolean }>(
    `select to_regclass('public.schema_migrations') is not null as there`,
  );
  const { rows } = exists[0]!.there
    ? await client.query<{ name: string; executed_at: Date }>('select name, executed_at from schema_migrations')
    : { rows: [] };
  const executed = new Map(rows.map((row) => [row.name, row.executed_at]));
  const ours = new Set(migrations.map(({ name }) => name));
  return [
    ...migrations.map(({ name }) => ({ name, executedAt: executed.get(name) ?? null, known: true })),
    ...rows
      .filter(({ name }) => !ours.has(name))
      .map((row) => ({ name: row.name, executedAt: row.executed_at, known: false })),
  ];
}

async function withMigrator<T>(ownerUrl: string, work: (migrator: Migrator, owner: Client) => Promise<T>): Promise<T> {
  const owner = new Client({
    connectionString: ownerUrl,
    connectionTimeoutMillis: 5_000,
    application_name: 'tenon-migrate',
  });
  await owner.connect();
  try {
    await owner.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const orm = await MikroORM.init({
      ...ormOptions(ownerUrl, [], 2),
      extensions: [Migrator],
      migrations: { tableName: 'schema_migrations', migrationsList: migrations, snapshot: false, silent: true },
    });
    try {
      return await work(orm.migrator as Migrator, owner);
    } finally {
      await orm.close(true);
    }
  } finally {
    // Closing the session gives the lock back, whatever happened.
    await owner.end();
  }
}

/** The role that a connection string logs in as. */
export function loginOf(url: string): string {
  return decodeURIComponent(new URL(url).username);
}
