import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { readCatalogue } from '../database/catalogue.js';
import { startEmbeddedPostgres } from '../database/embedded/embedded-postgres.js';
import { migrateUp } from '../database/schema.js';
import { librarySchemas } from '../library-schemas.js';

// Writes migrations/expected-schema.json, what `migrate verify` compares with, from a database that was just migrated.
const dataDir = await mkdtemp(join(tmpdir(), 'tenon-snapshot-'));
// mkdtemp closes the folder to others; as root the server runs as somebody else and would move away.
await chmod(dataDir, 0o755);
const embedded = await startEmbeddedPostgres({ dataDir, say: () => undefined, settings: { fsync: 'off' } });
const client = new Client({ connectionString: embedded.ownerUrl });
try {
  await migrateUp({
    ownerUrl: embedded.ownerUrl,
    appUrl: embedded.appUrl,
    say: () => undefined,
    alsoMigrate: librarySchemas,
  });
  await client.connect();
  await writeFile('migrations/expected-schema.json', `${JSON.stringify(await readCatalogue(client), null, 2)}\n`);
} finally {
  await client.end();
  await embedded.stop();
  await rm(dataDir, { recursive: true, force: true });
}
