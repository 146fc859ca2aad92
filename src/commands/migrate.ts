import { Client } from 'pg';
import { Env } from '../../config/env.js';
import { type CommandDatabase, onDatabase, type Say } from './command-database.js';
import { testConnection } from '../database/connection-test.js';
import { migrateDown, migrateUp, migrationStates, type MigrationState } from '../database/schema.js';
import { describeDifference, verifySchema } from '../database/verify.js';
import { librarySchemas } from '../library-schemas.js';

export const MIGRATE_USAGE = `Usage: npm run migrate -- status|up|down|verify
  status  lists the migrations and when each ran
  up      sets the roles up and runs the migrations that are missing
  down    takes the newest migration back
  verify  compares the schema with what this version expects
The database is that of DATABASE_OWNER_URL (up, down) or DATABASE_URL; without either it is the embedded one.`;

type Command = (database: CommandDatabase, say: Say) => Promise<boolean>;

/**
 * The command `migrate`.
 * @param args after the command's name.
 * @param load reads the environment; only called for a command that exists.
 * @returns the exit code: 0 done, 1 failed or different, 2 not understood.
 */
export async function migrate(args: readonly string[], load: () => Env, say: Say, complain: Say): Promise<0 | 1 | 2> {
  const command = args.length === 1 ? COMMANDS.get(args[0]!) : undefined;
  if (!command) {
    complain(MIGRATE_USAGE);
    return 2;
  }
  try {
    return (await onDatabase(load(), say, (database) => command(database, say))) ? 0 : 1;
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

const COMMANDS = new Map<string, Command>([
  ['status', status],
  ['up', up],
  ['down', down],
  ['verify', verify],
]);

async function status(database: CommandDatabase, say: Say): Promise<boolean> {
  const url = await tested(database, say);
  const states = await migrationStates(url);
  const width = Math.max(...states.map(({ name }) => name.length));
  say(`${'migration'.padEnd(width)}  executed`);
  for (const { name, executedAt, known } of states)
    say(`${name.padEnd(width)}  ${executedAt?.toISOString() ?? 'pending'}${known ? '' : '  (of a newer version)'}`);
  const pending = states.filter(({ executedAt }) => executedAt === null).length;
  say(pending === 0 ? 'Every migration has run.' : `${pending} to run: npm run migrate -- up`);
  return true;
}

async function up(database: CommandDatabase, say: Say): Promise<boolean> {
  requireOwner(database);
  const url = await tested(database, say);
  refuseNewer(await migrationStates(url));
  const done = await migrateUp({
    ownerUrl: url,
    appUrl: database.appUrl,
    say,
    onMigrated: (name) => say(`  ${name}`),
    alsoMigrate: librarySchemas,
  });
  say(done.length === 0 ? 'Nothing to do: every migration had run.' : `${done.length} migrations have run.`);
  return true;
}

async function down(database: CommandDatabase, say: Say): Promise<boolean> {
  requireOwner(database);
  const url = await tested(database, say);
  refuseNewer(await migrationStates(url));
  const [name] = await migrateDown(url);
  say(name ? `Taken back: ${name}` : 'Nothing to take back: no migration has run.');
  return true;
}

async function verify(database: CommandDatabase, say: Say): Promise<boolean> {
  const url = await tested(database, say);
  const states = await migrationStates(url);
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  const differences = await verifySchema(client).finally(() => client.end());
  const lines = [
    ...states.filter(({ executedAt }) => executedAt === null).map(({ name }) => `not run: migration ${name}`),
    ...states.filter(({ known }) => !known).map(({ name }) => `not expected: migration ${name}`),
    ...differences.map(describeDifference),
  ];
  for (const line of lines) say(line);
  const behind = states.some(({ executedAt }) => executedAt === null);
  if (lines.length === 0) say('The schema is what this version expects.');
  else say(`${lines.length} differences.${behind ? ' Run: npm run migrate -- up' : ''}`);
  return lines.length === 0;
}

/** The URL to work with: the owner's where there is one. @throws ConnectionTestError when it cannot be used. */
async function tested({ ownerUrl, appUrl, embedded }: CommandDatabase, say: Say): Promise<string> {
  const variable = ownerUrl ? 'DATABASE_OWNER_URL' : 'DATABASE_URL';
  say(await testConnection(ownerUrl ?? appUrl, embedded ? 'embedded' : variable));
  return ownerUrl ?? appUrl;
}

function requireOwner({ ownerUrl }: CommandDatabase): void {
  if (!ownerUrl) throw new Error('This changes the schema: DATABASE_OWNER_URL has to name the owner of the database.');
}

/** @throws Error when a newer version has migrated here: what it made is unknown to this one. */
function refuseNewer(states: readonly MigrationState[]): void {
  const newer = states.filter(({ known }) => !known).map(({ name }) => name);
  if (newer.length > 0)
    throw new Error(`A newer version has migrated this database (${newer.join(', ')}); use that version.`);
}
