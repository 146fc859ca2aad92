import { userInfo } from 'node:os';

import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { run } from './run.js';

/** The operating system's user that PostgreSQL runs as. */
export interface OsUser {
  uid: number;
  gid: number;
  name: string;
}

/** Whether this process may act as other users, and has to: PostgreSQL refuses to run as root. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * Says as whom PostgreSQL has to run: `undefined` for the caller itself, or another user when the caller is root.
 * That is the owner of the cluster where there is one, else `tenon`, else `postgres`, else a `tenon` made now.
 *
 * @throws EmbeddedPostgresError when the caller's uid has no passwd entry (initdb and postgres look it up), or when root
 *   can neither find nor make a user, or may not act as one.
 */
export async function chooseOsUser(clusterOwner?: { uid: number; gid: number }): Promise<OsUser | undefined> {
  if (!isRoot()) {
    requirePasswdEntry();
    return undefined;
  }
  const user = clusterOwner
    ? { uid: clusterOwner.uid, gid: clusterOwner.gid, name: `uid ${clusterOwner.uid}` }
    : ((await findOsUser('tenon')) ?? (await findOsUser('postgres')) ?? (await addOsUser('tenon')));
  const acted = await run('/bin/sh', ['-c', ':'], user);
  if (acted.ok) return user;
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and this root may not act as another user (${user.name}: ${acted.output}). ` +
      'Start Tenon as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

async function addOsUser(name: string): Promise<OsUser> {
  const added = await run('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', name]);
  // Looked up even when useradd failed: another start may have added the user at the same moment.
  const made = await findOsUser(name);
  if (made) return made;
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and the user "${name}" could not be made for it (${added.output}). ` +
      'Start Tenon as an ordinary user, make that user, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

/** Whether `user` can enter `folder`. The operating system is asked, so that every parent and ACL counts. */
export async function canEnter(user: OsUser, folder: string): Promise<boolean> {
  return (await run('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], user)).ok;
}

function requirePasswdEntry(): void {
  try {
    userInfo();
  } catch {
    throw new EmbeddedPostgresError(
      `The embedded PostgreSQL cannot run: the user id ${process.geteuid?.()} has no entry in /etc/passwd. ` +
        'Run as a user that has one, or set DATABASE_URL to a PostgreSQL of your own.',
    );
  }
}

async function findOsUser(name: string): Promise<OsUser | undefined> {
  const uid = await run('id', ['-u', name]);
  const gid = await run('id', ['-g', name]);
  return uid.ok && gid.ok ? { uid: Number(uid.output), gid: Number(gid.output), name } : undefined;
}
