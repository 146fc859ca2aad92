import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, chmodSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';

export const ADMIN = { email: 'admin@bench.example', password: 'seven quiet rivers run north' };
export const SECRET_KEYS = `bench:${Buffer.alloc(32, 9).toString('base64')}`;

/** A database as `npm start` would have it, thrown away at the end. */
export async function benchDatabase(): Promise<EmbeddedPostgres & { remove(): Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tenon-bench-'));
  chmodSync(dataDir, 0o755);
  const postgres = await startEmbeddedPostgres({ dataDir, say: () => undefined });
  return {
    ...postgres,
    remove: async () => {
      await postgres.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A process that serves HTTP. */
export interface Served {
  url: string;
  process: ChildProcess;
  stop(): Promise<void>;
}

const { start } = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } }).scripts;
/** As `npm start` starts it: variables, and what Node is told. */
const [, variables, flags] = /^((?:\w+=\S+ )*)exec node ((?:--\S+ )*)scripts/.exec(start)!;
const words = (text: string): string[] => text.split(' ').filter(Boolean);
const NODE_ENVIRONMENT = Object.fromEntries(words(variables!).map((variable) => variable.split('=')));
const NODE_FLAGS = words(flags!);

/**
 * Starts one of our programs in a process of its own, as the product is started, and waits until `path` answers 200.
 * @param entry its file without an ending, such as `src/main`.
 */
export async function serve(entry: string, args: string[], env: Record<string, string>, path: string): Promise<Served> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [...NODE_FLAGS, 'scripts/run.mjs', entry, ...args], {
    env: { PATH: process.env.PATH, LOG_LEVEL: 'error', PORT: String(port), ...NODE_ENVIRONMENT, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  // A bench that fails leaves nothing running.
  const end = (): boolean => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${entry} ended with ${child.exitCode}`);
    const answer = await fetch(url + path).catch(() => null);
    if (answer?.status === 200) break;
    await sleep(20);
  }
  return {
    url,
    process: child,
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** Variables for Tenon on a database. */
export function tenonEnv(postgres: EmbeddedPostgres): Record<string, string> {
  return {
    DATABASE_URL: postgres.appUrl,
    DATABASE_OWNER_URL: postgres.ownerUrl,
    SECRET_KEYS,
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
  };
}

/** Signs in. */
export async function signIn(
  url: string,
  email: string,
  password: string,
): Promise<{ accessToken: string; refreshToken: string }> {
  const answer = await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  if (answer.status !== 200) throw new Error(`login: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { accessToken: string; refreshToken: string };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
