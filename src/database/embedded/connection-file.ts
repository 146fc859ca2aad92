import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';

import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import type { StateFolder } from './state-folder.js';

/** Below the ephemeral ports (32768 and up on Linux), so that no outgoing connection happens to sit on it. */
const firstPort = 15432;

/** What it takes to connect. Kept in `connection.json` of the state folder, mode 0600. */
export interface Connection {
  /** Tells this cluster's processes from those of a copy of its folder. */
  id: string;
  /** The port used last, and wanted next. */
  port: number;
  superuserPassword: string;
  ownerPassword: string;
  appPassword: string;
}

/** The connection URLs of the three logins. */
export interface ConnectionUrls {
  /** Superuser `postgres` on the database `postgres`. */
  superuserUrl: string;
  /** `tenon_owner`, owner of the database `tenon`, with CREATEROLE. */
  ownerUrl: string;
  /** `tenon`, an ordinary login, on the database `tenon`. */
  appUrl: string;
}

/**
 * Reads the connection file, or makes one with new passwords before a cluster is installed.
 *
 * @throws EmbeddedPostgresError when there is a cluster, but no file with its passwords.
 */
export async function openConnectionFile(state: StateFolder): Promise<Connection> {
  const known = await readConnectionFile(state);
  if (known) return known;
  if (existsSync(state.cluster)) {
    throw new EmbeddedPostgresError(
      `${pathOf(state)} with the passwords of the database in ${state.cluster} is missing. ` +
        `Restore it from a backup, or remove ${state.path} to begin with an empty database.`,
    );
  }
  const made: Connection = {
    id: randomUUID(),
    port: firstPort,
    superuserPassword: newPassword(),
    ownerPassword: newPassword(),
    appPassword: newPassword(),
  };
  await writeConnectionFile(state, made);
  return made;
}

export async function readConnectionFile(state: StateFolder): Promise<Connection | undefined> {
  if (!existsSync(pathOf(state))) return undefined;
  return JSON.parse(await readFile(pathOf(state), 'utf8')) as Connection;
}

/** Writes the file in one step: it is the old one or the new one, also after a power cut. */
export async function writeConnectionFile(state: StateFolder, connection: Connection): Promise<void> {
  const draft = `${pathOf(state)}.new`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(connection, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await state.handOver(draft);
  await rename(draft, pathOf(state));
}

export function urlsOf(connection: Connection): ConnectionUrls {
  const url = (login: string, password: string, database: string) =>
    `postgresql://${login}:${password}@127.0.0.1:${connection.port}/${database}`;
  return {
    superuserUrl: url('postgres', connection.superuserPassword, 'postgres'),
    ownerUrl: url('tenon_owner', connection.ownerPassword, 'tenon'),
    appUrl: url('tenon', connection.appPassword, 'tenon'),
  };
}

function pathOf(state: StateFolder): string {
  return state.file('connection.json');
}

/** 192 random bits, in characters that a URL takes unescaped. */
function newPassword(): string {
  return randomBytes(24).toString('base64url');
}
