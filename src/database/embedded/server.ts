import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Binaries } from './binaries.js';
import type { Connection } from './connection-file.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import type { OsUser } from './os-user.js';
import { isProcessOf, processesOf } from './processes.js';
import { cleanEnvironment } from './run.js';
import { serverSettings } from './settings.js';
import type { StateFolder } from './state-folder.js';

const pollMs = 20;
const logLimitBytes = 1_000_000;

/** How the server is asked to leave, and how long each way may take: fast, immediate (recovers at the next start), killed. */
const waysToStop: [NodeJS.Signals, number][] = [
  ['SIGINT', 5000],
  ['SIGQUIT', 2000],
  ['SIGKILL', 1000],
];

/** The server's `cluster_name`, by which its processes are recognized. */
export function clusterNameOf(state: StateFolder, connection: Connection): string {
  const hash = createHash('sha256').update(`${connection.id} ${state.cluster}`).digest('hex');
  return `tenon-${hash.slice(0, 16)}`;
}

/** Whether the server answers: the postmaster lives and has written `ready` into line 8 of its pid file. */
export async function isServing(state: StateFolder, clusterName: string): Promise<boolean> {
  const file = await readPidFile(state);
  return file.status === 'ready' && (await isProcessOf(clusterName, file.pid));
}

/**
 * Starts the server in a session of its own, so that Ctrl-C in the terminal does not reach it, and waits until it answers.
 *
 * @returns its process; `port-taken` when somebody took the port in the meantime.
 * @throws EmbeddedPostgresError with the end of the log when it does not come up.
 */
export async function startServer(
  state: StateFolder,
  binaries: Binaries,
  user: OsUser | undefined,
  server: { clusterName: string; port: number; settings: Record<string, string>; say: (line: string) => void },
): Promise<ChildProcess | 'port-taken'> {
  const log = await openLog(state);
  const logStart = (await log.stat()).size;
  const args = ['-D', state.cluster, ...serverSettings(server.clusterName, server.port, server.settings)];
  const child = spawn(binaries.postgres, args, {
    cwd: '/',
    env: cleanEnvironment,
    uid: user?.uid,
    gid: user?.gid,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  let failure: string | undefined;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code, signal) => (failure = `it left with ${signal ?? `code ${code}`}`));
  child.unref();
  await log.close();

  const patience = Date.now() + 5000;
  let told = false;
  for (;;) {
    const file = await readPidFile(state);
    if (file.pid === child.pid && file.status === 'ready') return child;
    if (failure) {
      const said = (await readFile(state.log, 'utf8')).slice(logStart).trim();
      if (said.includes('Address already in use')) return 'port-taken';
      throw new EmbeddedPostgresError(
        `PostgreSQL did not start: ${failure}. Its log, ${state.log}, ends with:\n${said}`,
      );
    }
    if (!told && Date.now() > patience) {
      told = true;
      server.say('PostgreSQL is recovering what was written before it was killed …');
    }
    await sleep(pollMs);
  }
}

/**
 * Ends the server of this state folder, if there is one, whoever started it, with all its processes; removes a pid file
 * that none of them holds. The caller holds the folder's lock.
 *
 * @returns whether there was a server.
 * @throws EmbeddedPostgresError when it cannot be ended.
 */
export async function endServer(state: StateFolder, clusterName: string): Promise<boolean> {
  const { pid } = await readPidFile(state);
  const alive = await isProcessOf(clusterName, pid);
  if (alive) {
    for (const [signal, limitMs] of waysToStop) {
      signalProcess(pid, signal);
      if (await gone(async () => !(await isProcessOf(clusterName, pid)), limitMs)) break;
    }
  }
  // Backends of a postmaster that was killed leave by themselves, but not while they are busy. Until then they write.
  if (!(await gone(async () => (await processesOf(clusterName)).length === 0, 1000))) {
    for (const left of await processesOf(clusterName)) signalProcess(left, 'SIGKILL');
    if (!(await gone(async () => (await processesOf(clusterName)).length === 0, 1000))) {
      throw new EmbeddedPostgresError(`The PostgreSQL that runs in ${state.cluster} cannot be ended.`);
    }
  }
  // PostgreSQL removes a pid file of the dead itself, with checks of its own; but it takes a reused pid for a living server.
  const left = await readPidFile(state);
  if (isUsed(left.pid)) await rm(join(state.cluster, 'postmaster.pid'));
  return alive;
}

async function gone(check: () => Promise<boolean>, limitMs: number): Promise<boolean> {
  const limit = Date.now() + limitMs;
  while (!(await check())) {
    if (Date.now() > limit) return false;
    await sleep(pollMs);
  }
  return true;
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function isUsed(pid: number): boolean {
  if (pid === 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The postmaster's pid (0 if there is none) and state, lines 1 and 8 of `postmaster.pid`. */
async function readPidFile(state: StateFolder): Promise<{ pid: number; status: string }> {
  const text = await readFile(join(state.cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  return { pid: Number.parseInt(lines[0] ?? '', 10) || 0, status: lines[7]?.trim() ?? '' };
}

/** Opens the log to append to; keeps it and one older file of at most about 1 MB each. */
async function openLog(state: StateFolder) {
  if (existsSync(state.log) && (await stat(state.log)).size > logLimitBytes) await rename(state.log, `${state.log}.1`);
  const log = await open(state.log, 'a', 0o600);
  await state.handOver(state.log);
  return log;
}
