import { type AnyEntity, type EntityClass, type Options, UnderscoreNamingStrategy } from '@mikro-orm/postgresql';
import { TenonDriver } from '../src/database/driver.js';

/** How long a request waits for a connection of the pool before it is an error: 503 instead of a hanging client. */
const CONNECTION_TIMEOUT_MS = 3_000;

/**
 * The ORM's options for one database.
 * @param url of the login to connect as.
 * @param entities the tables it knows.
 * @param poolSize connections at most.
 */
export function ormOptions(url: string, entities: EntityClass<AnyEntity>[], poolSize: number): Options {
  return {
    driver: TenonDriver,
    clientUrl: url,
    entities,
    discovery: { warnWhenNoEntities: false },
    namingStrategy: UnderscoreNamingStrategy,
    forceUtcTimezone: true,
    pool: { min: 0, max: poolSize, idleTimeoutMillis: 30_000 },
    driverOptions: { connectionTimeoutMillis: CONNECTION_TIMEOUT_MS, application_name: 'tenon' },
    // A global EntityManager would share one identity map, and with it one tenant's rows, between requests.
    allowGlobalContext: false,
    // What is made otherwise is not to drop: BullMQ's schema, functions, triggers, views, and the partitions of a table.
    schemaGenerator: {
      ignoreSchema: ['bullmq'],
      ignoreRoutines: true,
      ignoreTriggers: true,
      skipTables: ['schema_migrations', /_p\d{6}(\d{2})?$/, /_default$/],
      skipViews: ['rls_policies_audit'],
      disableForeignKeys: false,
      createForeignKeyConstraints: true,
    },
  };
}
