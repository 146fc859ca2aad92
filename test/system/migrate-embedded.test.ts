import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../../migrations/index.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { loginFaults } from '../../src/database/roles.js';
import { migrateUp } from '../../src/database/schema.js';
import { librarySchemas } from '../../src/library-schemas.js';
import { runMigrate as run } from '../harness/command.js';
import { inDatabase, withDatabaseName } from '../harness/global-setup.js';

describe('O8 roles on a cluster of its own', () => {
  let dataDir: string;
  let cluster: EmbeddedPostgres;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'tenon-roles-'));
    chmodSync(dataDir, 0o755);
    cluster = await startEmbeddedPostgres({ dataDir, say: () => undefined, settings: { fsync: 'off' } });
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('two databases set up at once share the roles that neither had', async () => {
    const names = ['first', 'second', 'third', 'fourth'];
    await inDatabase(cluster.superuserUrl, 'postgres', async (client) => {
      for (const name of names) await client.query(`create database ${name} owner tenon_owner`);
    });
    const done = await Promise.all(
      names.map((name) =>
        migrateUp({
          ownerUrl: withDatabaseName(cluster.ownerUrl, name),
          appUrl: withDatabaseName(cluster.appUrl, name),
          say: () => undefined,
          alsoMigrate: librarySchemas,
        }),
      ),
    );
    expect(done.map((ran) => ran.length)).toEqual(names.map(() => migrations.length));
    await inDatabase(cluster.appUrl, 'second', async (client) => expect(await loginFaults(client)).toEqual([]));
  });

  it('works on the embedded database while a server holds it, and verifies it', async () => {
    const env = { DATA_DIR: dataDir };
    expect((await run(['up'], env)).code).toBe(0);
    expect((await run(['verify'], env)).out).toContain('(embedded)');
    // The server of the other process is left alone.
    await inDatabase(cluster.superuserUrl, 'postgres', (client) => client.query('select 1'));
  });

  it('starts the embedded database where it is not running, and stops it again', async () => {
    await cluster.stop();
    expect((await run(['status'], { DATA_DIR: dataDir })).out).toContain('Every migration has run');
    cluster = await startEmbeddedPostgres({ dataDir, say: () => undefined, settings: { fsync: 'off' } });
  });
});
