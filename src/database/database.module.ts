import { EntityManager, type AnyEntity, type EntityClass } from '@mikro-orm/postgresql';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import {
  type DynamicModule,
  Global,
  Inject,
  Logger,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Client } from 'pg';
import { Env } from '../../config/env.js';
import { ormOptions } from '../../config/mikro-orm.config.js';
import { FatalStartError, Readiness } from '../kernel/readiness.js';
import { ChangeBus } from './change-bus.js';
import { TenonDriver } from './driver.js';
import { PurgeRules } from './purge-rules.js';
import { loginFaults } from './roles.js';
import { migrateUp, readMigrationStates } from './schema.js';

/** Schemas that libraries bring; the rooms that use them say how they are migrated. */
export type LibrarySchemas = ((ownerUrl: string) => Promise<void>)[];

/** The database: connection, schema at start, tenant context, change bus. */
@Global()
@Module({})
export class DatabaseModule implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('database');

  constructor(
    private readonly env: Env,
    private readonly readiness: Readiness,
    private readonly bus: ChangeBus,
    private readonly em: EntityManager,
    @Inject('LibrarySchemas') private readonly librarySchemas: LibrarySchemas,
  ) {
    readiness.addStep({ name: 'schema', run: () => this.prepareSchema() });
    readiness.addProbe('database', async () => {
      await this.em.fork().execute('select 1');
      return { state: 'up' };
    });
    readiness.addProbe('changes', () =>
      bus.up ? { state: 'up' } : { state: 'degraded', detail: 'not listening; answers come from the database' },
    );
  }

  /** @param env holds `databaseUrl`: of the environment, or of the embedded database. */
  static forRoot(env: Env, entities: EntityClass<AnyEntity>[], librarySchemas: LibrarySchemas): DynamicModule {
    const url = env.databaseUrl!;
    const log = new Logger('changes');
    return {
      module: DatabaseModule,
      imports: [
        MikroOrmModule.forRootAsync({
          driver: TenonDriver,
          useFactory: () => ({ ...ormOptions(url, entities, env.databasePoolSize), registerRequestContext: false }),
        }),
      ],
      providers: [
        PurgeRules,
        { provide: 'LibrarySchemas', useValue: librarySchemas },
        {
          provide: ChangeBus,
          useFactory: () =>
            new ChangeBus(env.databaseDirectUrl ?? url, (up, reason) =>
              up ? log.log(reason) : log.warn(`down: ${reason}; answers come from the database until it is back`),
            ),
        },
      ],
      exports: [ChangeBus, PurgeRules],
    };
  }

  private async prepareSchema(): Promise<void> {
    const { databaseUrl, databaseOwnerUrl } = this.env;
    if (databaseOwnerUrl)
      await migrateUp({
        ownerUrl: databaseOwnerUrl,
        appUrl: databaseUrl!,
        say: (line) => this.log.log(line),
        alsoMigrate: this.librarySchemas,
      });
    const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
    await client.connect();
    try {
      if (!databaseOwnerUrl) await requireCurrentSchema(client);
      await this.checkLogin(client);
    } finally {
      await client.end();
    }
  }

  /** Refuses a login that the policies would not bind. In development that is a warning. */
  private async checkLogin(client: Client): Promise<void> {
    const faults = await loginFaults(client);
    if (faults.length === 0) return;
    const message = `The login of DATABASE_URL ${faults.join(', ')}`;
    if (this.env.production) throw new FatalStartError(message);
    this.log.warn(`${message}; production refuses it`);
  }

  /** The last step: by now every room has registered its caches, and the schema that they load from is there. */
  onApplicationBootstrap(): void {
    this.readiness.addStep({ name: 'changes', run: () => this.bus.start() });
  }

  onApplicationShutdown(): void {
    this.bus.stop();
  }
}

/** Without an owner nothing is migrated here. @throws Error when something is missing. */
async function requireCurrentSchema(client: Client): Promise<void> {
  const pending = (await readMigrationStates(client)).filter(({ executedAt }) => executedAt === null);
  if (pending.length > 0)
    throw new Error(
      `The schema is not current: ${pending.length} migrations are missing. Run "npm run migrate -- up" with DATABASE_OWNER_URL`,
    );
}
