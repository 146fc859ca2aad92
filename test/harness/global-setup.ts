import { rmSync } from 'node:fs';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { migrateUp } from '../../src/database/schema.js';
import { librarySchemas } from '../../src/library-schemas.js';
import { makeClusterFolder } from './cluster-folder.js';

/** Logins of the cluster that the tests run on; the names of databases are exchanged in them. */
export interface TestCluster {
  superuserUrl: string;
  ownerUrl: string;
  appUrl: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    cluster: TestCluster;
  }
}

export const TEMPLATE = 'tenon_template';

/**
 * One cluster for the run, with a template that is migrated once: a test file's copy of it takes 20 ms. The variables
 * TEST_SUPERUSER_URL, TEST_OWNER_URL and TEST_APP_URL name a cluster to use instead of the embedded one.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { TEST_SUPERUSER_URL, TEST_OWNER_URL, TEST_APP_URL } = process.env;
  let stop = async (): Promise<void> => undefined;
  let cluster: TestCluster;
  if (TEST_SUPERUSER_URL && TEST_OWNER_URL && TEST_APP_URL) {
    cluster = { superuserUrl: TEST_SUPERUSER_URL, ownerUrl: TEST_OWNER_URL, appUrl: TEST_APP_URL };
  } else {
    const dataDir = makeClusterFolder('tenon-test-');
    const embedded = await startEmbeddedPostgres({
      dataDir,
      say: () => undefined,
      settings: {
        // The data are thrown away; what a crash would lose is not tested here.
        fsync: 'off',
        synchronous_commit: 'off',
        full_page_writes: 'off',
        authentication_timeout: '5s',
        // No table lives long enough for it to be of use.
        autovacuum: 'off',
        // 4,096 rounds, the default, cost a client some milliseconds, and a run makes 1,500 connections.
        scram_iterations: '1',
      },
    });
    cluster = embedded;
    stop = async () => {
      await embedded.stop();
      rmSync(dataDir, { recursive: true, force: true });
    };
  }
  const { superuserUrl, ownerUrl, appUrl } = cluster;
  await inDatabase(superuserUrl, 'postgres', async (client) => {
    await client.query(`drop database if exists ${TEMPLATE} with (force)`);
    await client.query(`create database ${TEMPLATE} owner "${decodeURIComponent(new URL(ownerUrl).username)}"`);
  });
  await migrateUp({
    ownerUrl: withDatabaseName(ownerUrl, TEMPLATE),
    appUrl: withDatabaseName(appUrl, TEMPLATE),
    say: () => undefined,
    alsoMigrate: librarySchemas,
  });
  project.provide('cluster', { superuserUrl, ownerUrl, appUrl });
  return stop;
}

/** The same login in another database. */
export function withDatabaseName(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

/** Runs `work` on a connection of its own. */
export async function inDatabase<T>(url: string, database: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: withDatabaseName(url, database) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
