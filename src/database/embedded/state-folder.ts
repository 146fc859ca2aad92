import { randomBytes } from 'node:crypto';
import { chmod, chown, link, lstat, mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { canEnter, chooseOsUser, isRoot, type OsUser } from './os-user.js';

/** Where root keeps clusters whose DATA_DIR lies below a folder that PostgreSQL's user cannot enter. */
const reachableRoot = '/var/lib/tenon';

/** The folder with all that the embedded PostgreSQL keeps: the cluster, its log, passwords and lock. */
export class StateFolder {
  readonly path: string;
  private readonly owner: { uid: number; gid: number } | undefined;

  /** `owner` is who gets the files made here, where that is not the caller. */
  constructor(path: string, owner?: { uid: number; gid: number }) {
    this.path = path;
    this.owner = owner;
  }

  get cluster(): string {
    return join(this.path, 'cluster');
  }

  get log(): string {
    return join(this.path, 'postgres.log');
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Leaves a file to the folder's owner, so that a start as root does not lock the owner out of the next one. */
  async handOver(file: string): Promise<void> {
    if (this.owner) await chown(file, this.owner.uid, this.owner.gid);
  }
}

/**
 * Finds the state folder of `dataDir`, or makes it, and says which user PostgreSQL runs as (`undefined`: the caller).
 * It is `postgres/` in `dataDir`. Where root's PostgreSQL user cannot enter `dataDir` (a clone below a home of mode
 * 0700) it is a folder below /var/lib/tenon, named in `dataDir/postgres-location`; nobody's home is opened for it.
 *
 * @throws EmbeddedPostgresError when the cluster belongs to somebody else, or its own user cannot enter it.
 */
export async function openStateFolder(
  dataDir: string,
  say: (line: string) => void,
): Promise<{ state: StateFolder; user: OsUser | undefined }> {
  await mkdir(dataDir, { recursive: true });
  const found = await findStateFolder(dataDir);
  const owner = found ? await ownerOf(join(found, 'cluster')) : undefined;
  if (owner && !isRoot() && owner.uid !== process.geteuid?.()) {
    throw new EmbeddedPostgresError(
      `The database in ${found} belongs to the user id ${owner.uid}. Start Tenon as that user or as root, ` +
        'or set DATA_DIR to another folder.',
    );
  }
  const user = await chooseOsUser(owner);
  const path = found ?? (await chooseStateFolder(await realpath(dataDir), user, say));
  await makeFolder(path, user ? 0o711 : 0o700);
  if (user && !(await canEnter(user, path))) {
    throw new EmbeddedPostgresError(
      `PostgreSQL runs as ${user.name} when Tenon is started by root, and that user can no longer enter ${path}. ` +
        'Start Tenon as an ordinary user, let the user in, or set DATA_DIR to another folder.',
    );
  }
  const folderOwner = await stat(path);
  const foreign = isRoot() && folderOwner.uid !== 0;
  return { state: new StateFolder(path, foreign ? folderOwner : undefined), user };
}

/** The existing state folder of `dataDir`, or `undefined`. */
export async function findStateFolder(dataDir: string): Promise<string | undefined> {
  const noted = await readFile(join(dataDir, 'postgres-location'), 'utf8').catch(ifMissing(undefined));
  if (noted) return noted.trim();
  const inside = join(dataDir, 'postgres');
  return (await ownerOf(inside)) ? realpath(inside) : undefined;
}

async function chooseStateFolder(
  dataDir: string,
  user: OsUser | undefined,
  say: (line: string) => void,
): Promise<string> {
  if (!user || (await canEnter(user, dataDir))) return join(dataDir, 'postgres');
  const elsewhere = join(reachableRoot, randomBytes(6).toString('hex'));
  await makeFolder(reachableRoot, 0o755);
  // A link appears whole or not at all: of two first starts at once, both read the same note.
  const draft = join(dataDir, `postgres-location.${process.pid}`);
  const note = join(dataDir, 'postgres-location');
  await writeFile(draft, `${elsewhere}\n`);
  await link(draft, note).catch(ifCode('EEXIST'));
  await rm(draft);
  const chosen = (await readFile(note, 'utf8')).trim();
  say(`the database is kept in ${chosen}: its user "${user.name}" cannot enter ${dataDir}`);
  return chosen;
}

async function makeFolder(path: string, mode: number): Promise<void> {
  // mkdir's own mode is cut by the umask.
  if (await mkdir(path, { recursive: true })) await chmod(path, mode);
}

async function ownerOf(path: string): Promise<{ uid: number; gid: number } | undefined> {
  return lstat(path).catch(ifMissing(undefined));
}

function ifMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}

function ifCode(code: string): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (error.code !== code) throw error;
  };
}
