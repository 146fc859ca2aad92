import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { MikroORM } from '@mikro-orm/postgresql';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import supertest from 'supertest';
import { loadEnv, type SecretKey } from '../../config/env.js';
import { AppModule } from '../../src/app.module.js';
import { createApp } from '../../src/app.setup.js';
import { Readiness } from '../../src/kernel/readiness.js';
import { createDatabase, type TestDatabase } from './database.js';
import { freePort } from './port.js';

export { freePort } from './port.js';

/** The key that tests encrypt with. */
export const TEST_KEYS = [{ id: 'test', key: Buffer.alloc(32, 7) }];
/** Obeys the rules, and says so. */
export const PASSWORD = 'correct horse battery staple';
export const ADMIN = { email: 'admin@tenon.test', password: 'seven quiet rivers run north' };

/** The real application on a database of its own, listening. */
export interface TestApp {
  app: NestFastifyApplication;
  url: string;
  db: TestDatabase;
  /** Requests over HTTP. */
  http: ReturnType<typeof supertest>;
  close(): Promise<void>;
}

export interface TestAppOptions {
  /** Variables on top of the defaults. */
  env?: Record<string, string | undefined>;
  /** Share a database between instances; the one who made it drops it. */
  db?: TestDatabase;
  /** false: do not run the start steps. */
  ready?: boolean;
  /** What SECRET_KEYS would hold. */
  keys?: SecretKey[];
  /** Routes of the test's own. */
  controllers?: Type[];
  /**
   * true: with DATABASE_OWNER_URL. The template is migrated already, and looking at that again is a fifth of what a
   * start costs; but the rights on a database are not copied from its template, and only the owner sets them.
   */
  owner?: boolean;
  /**
   * true: requests wait 3 s for a connection of the pool, as they do in production; otherwise as long as a test may take.
   * For tests of that limit alone: how many of 50 at once a machine serves within 3 s is a matter of the machine.
   */
  hurried?: boolean;
}

/** Holds routes of tests. */
class TestRoutes {}

/** Requests on connections that are kept; superagent left to itself makes one for each request, at 0.3 ms of CPU and more. */
function requestsTo(url: string, agent: Agent): TestApp['http'] {
  const http = supertest(url);
  for (const method of ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'] as const) {
    const ask = http[method];
    http[method] = (path) => ask(path).agent(agent);
  }
  return http;
}

/** Starts the application, with five connections. `RATE_LIMITS` is off unless said. */
export async function startApp({
  env = {},
  db,
  ready = true,
  keys = TEST_KEYS,
  controllers = [],
  owner = false,
  hurried = false,
}: TestAppOptions = {}): Promise<TestApp> {
  const database = db ?? (await createDatabase());
  const port = await freePort();
  const settings = loadEnv({
    NODE_ENV: 'test',
    PORT: String(port),
    DATABASE_URL: database.appUrl,
    DATABASE_OWNER_URL: owner ? database.ownerUrl : undefined,
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    RATE_LIMITS: 'off',
    // Ten, the default, would be opened by any burst, at 30 ms of CPU each and more until their caches are warm.
    DATABASE_POOL_SIZE: '5',
    ...env,
  });
  const rooms = AppModule.forRoot(settings, keys);
  const root = controllers.length === 0 ? rooms : { module: TestRoutes, imports: [rooms], controllers };
  const app = await createApp(settings, keys, root);
  await app.listen(port, '127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  const agent = new Agent({ keepAlive: true });
  const readiness = app.get(Readiness);
  if (ready)
    await readiness.startUp((step, error) => {
      throw new Error(`start step ${step} failed`, { cause: error });
    }, sleep);
  if (!hurried) {
    const pool = await app.get(MikroORM).em.getConnection().getNativeClient();
    pool.options.connectionTimeoutMillis = 45_000;
  }
  return {
    app,
    url,
    db: database,
    http: requestsTo(url, agent),
    close: async () => {
      readiness.stopping = true;
      await app.close();
      agent.destroy();
      if (!db) await database.drop();
    },
  };
}
