import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import programs from '../../scripts/system-programs.json' with { type: 'json' };
import { makeClusterFolder } from '../harness/cluster-folder.js';
import { freePort } from '../harness/port.js';
import { userIds } from './users.js';

/** A cluster of Debian's PostgreSQL 15 for one test file, with nothing of Tenon in it. */
export interface Postgres15 {
  /** The URL of a login, in a database. */
  url(login: string, database?: string): string;
  /** What the DBA runs: a connection as superuser. */
  dba: Client;
  stop(): Promise<void>;
}

/** The password of every login that a test makes. */
export const LOGIN_PASSWORD = 'only of this cluster';

/** Installs and starts a cluster on loopback; as root, under the user that Debian's package made. */
export async function startPostgres15(): Promise<Postgres15> {
  const folder = makeClusterFolder('tenon-postgres15-');
  const user = process.getuid?.() === 0 ? userIds('postgres') : undefined;
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, LOGIN_PASSWORD);
  if (user) for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid);

  const data = join(folder, 'data');
  const program = { ...user, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } };
  const initdb = ['-D', data, '-U', 'postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--no-sync'];
  execFileSync(join(programs.postgres15, 'initdb'), [...initdb, '--encoding=UTF8'], { ...program, stdio: 'pipe' });
  const port = await freePort();
  // The data are thrown away, as those of the embedded cluster are that the suite runs on otherwise.
  //
  // DROP DATABASE waits until every backend has answered a signal, and one that still waits for a password answers none.
  // Tests that hold a connection's bytes back leave such backends behind: with the 60 s of the default a test's end took
  // as long, sometimes.
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'fsync=off',
    'synchronous_commit=off',
    'full_page_writes=off',
    'autovacuum=off',
    'max_connections=200',
    'authentication_timeout=5s',
  ];
  const server = spawn(
    join(programs.postgres15, 'postgres'),
    ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    { ...program, stdio: 'ignore' },
  );
  const url = (login: string, database = 'postgres'): string =>
    `postgresql://${login}:${encodeURIComponent(LOGIN_PASSWORD)}@127.0.0.1:${port}/${database}`;
  const dba = await connected(url('postgres'), server);
  return {
    url,
    dba,
    stop: async () => {
      await dba.end();
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGQUIT');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function connected(url: string, server: ChildProcess): Promise<Client> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL 15 ended with ${server.exitCode}`);
    const client = new Client({ connectionString: url });
    try {
      await client.connect();
      return client;
    } catch {
      await client.end().catch(() => undefined);
      await sleep(100);
    }
  }
}
