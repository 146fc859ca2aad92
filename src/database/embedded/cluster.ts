import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Binaries } from './binaries.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import type { OsUser } from './os-user.js';
import { run } from './run.js';
import type { StateFolder } from './state-folder.js';

/**
 * Refuses a cluster of another major version: PostgreSQL's files change with it.
 *
 * @throws EmbeddedPostgresError with both versions.
 */
export async function requireSameMajor(state: StateFolder, binaries: Binaries): Promise<void> {
  if (!existsSync(state.cluster)) return;
  const found = (await readFile(join(state.cluster, 'PG_VERSION'), 'utf8')).trim();
  if (found === binaries.major) return;
  throw new EmbeddedPostgresError(
    `The database in ${state.cluster} was made by PostgreSQL ${found}, and this Tenon brings ${binaries.version}. ` +
      `Start it once more with the Tenon it was made by, dump it with pg_dump ${found}, and load the dump into a new DATA_DIR.`,
  );
}

/**
 * Installs the cluster: UTF-8, data checksums, and PostgreSQL's own C.UTF-8, which knows the letters of all languages and
 * depends on no locale of the machine, so that an index stays right when the system is upgraded.
 * It is made in a folder beside and renamed when it is complete; what a killed start left there is removed first.
 *
 * @throws EmbeddedPostgresError with what initdb said.
 */
export async function installCluster(
  state: StateFolder,
  binaries: Binaries,
  user: OsUser | undefined,
  password: string,
  durable: boolean,
): Promise<void> {
  await removeUnfinished(state);
  // A name of its own: the initdb of a killed start may still be writing to the folder that was just removed.
  const draft = state.file(`installing-${randomUUID()}`);
  const passwordFile = `${draft}.password`;
  await mkdir(draft);
  await chmod(draft, 0o700);
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user) {
    await chown(draft, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  const args = ['-D', draft, '-U', 'postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--data-checksums'];
  args.push('--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C');
  if (!durable) args.push('--no-sync');
  const made = await run(binaries.initdb, args, user);
  await rm(passwordFile);
  if (!made.ok) {
    throw new EmbeddedPostgresError(`The PostgreSQL cluster could not be installed in ${state.path}:\n${made.output}`);
  }
  await rename(draft, state.cluster);
  if (durable) await syncFolder(state.path);
}

async function removeUnfinished(state: StateFolder): Promise<void> {
  for (const name of await readdir(state.path)) {
    if (name.startsWith('installing-')) await rm(state.file(name), { recursive: true, force: true, maxRetries: 10 });
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  await folder.sync();
  await folder.close();
}
