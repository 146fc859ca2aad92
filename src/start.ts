import { setTimeout as sleep } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Env } from '../config/env.js';
import { createApp } from './app.setup.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './database/embedded/embedded-postgres.js';
import { FatalStartError, Readiness } from './kernel/readiness.js';
import { generatedSecretKeys } from './kernel/secret-keys-file.js';

/** What SIGTERM leaves us (CONTRACT). */
const STOP_WITHIN_MS = 10_000;
/** Of that, what requests and jobs may take; the rest is for the embedded PostgreSQL. */
const DRAIN_WITHIN_MS = 6_000;

/**
 * Starts the process: embedded database if none is named, application, start steps; and stops it on a signal.
 * @throws what made the start fail, once everything that it had started is stopped.
 */
export async function start(given: Env): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  let embedded: Promise<EmbeddedPostgres> | null = null;
  let app: NestFastifyApplication | null = null;
  let stopping = false;

  /** Requests first, then the embedded PostgreSQL. Gives false when something had to be cut off. */
  const close = async (): Promise<boolean> => {
    stopping = true;
    let ended = true;
    if (app) {
      app.get(Readiness).stopping = true;
      const closed = app.close().then(() => true);
      ended = await Promise.race([closed, sleep(DRAIN_WITHIN_MS, false)]).catch((error: unknown) => {
        say(`while stopping: ${String(error)}`);
        return false;
      });
    }
    // Awaited also while it is starting: else the server would be left running.
    await embedded?.then((postgres) => postgres.stop()).catch(() => undefined);
    return ended;
  };
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return;
    say(`${signal}: stopping`);
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    process.exit((await close()) ? 0 : 1);
  };
  // SIGHUP: a terminal that is closed leaves no PostgreSQL behind either.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));

  try {
    let env = given;
    if (!env.databaseUrl) {
      embedded = startEmbeddedPostgres({ dataDir: env.dataDir, say });
      env = withDatabase(env, await embedded);
      if (stopping) return;
    }
    const keys = env.secretKeys.length > 0 ? env.secretKeys : generatedSecretKeys(env.dataDir);
    app = await createApp(env, keys);
    if (stopping) return;
    // Listening comes first: /health/live answers while the database is still waited for.
    await listen(app, env);
    await runStartSteps(app.get(Readiness), env, say);
  } catch (error) {
    // A signal's stop is under way, and what it cuts off is no failure.
    if (stopping) return;
    await close();
    throw error;
  }
}

async function listen(app: NestFastifyApplication, { host, port }: Env): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    const reason = LISTEN_FAILURES[(error as NodeJS.ErrnoException).code ?? ''];
    if (!reason) throw error;
    throw new FatalStartError(`Cannot listen on ${host}, port ${port}: ${reason}.`);
  }
}

const LISTEN_FAILURES: Record<string, string> = {
  EADDRINUSE: 'another program listens there. Stop it, or set PORT',
  EACCES: 'this user may not. Set PORT to 1024 or more',
  EADDRNOTAVAIL: 'this machine does not have that address. Set HOST',
  ENOTFOUND: 'the name is unknown. Set HOST to an address of this machine',
};

async function runStartSteps(readiness: Readiness, env: Env, say: (line: string) => void): Promise<void> {
  let told = '';
  await readiness.startUp(
    (step, error) => {
      const line = `waiting for ${step}: ${error instanceof Error ? error.message : String(error)}`;
      if (line !== told) say(line);
      told = line;
    },
    (ms) => sleep(ms),
  );
  if (readiness.stopping) return;
  // In one piece: whoever waits for "listens" on a pipe has the rest as well.
  say(
    [
      ...warnings(env),
      `Tenon listens on ${env.publicUrl}`,
      ...(env.docs ? [`Swagger UI: ${env.publicUrl}/docs`] : []),
      ...readiness.notices.splice(0),
    ].join('\n'),
  );
}

/** What is allowed, and yet hardly meant. */
function warnings(env: Env): string[] {
  return [
    ...(env.production && new URL(env.publicUrl).hostname === env.host
      ? [`PUBLIC_URL is not set: links in mails lead to ${env.publicUrl}`]
      : []),
    ...(env.redisUrl ? ['REDIS_URL has no effect yet: queues and limits are kept in PostgreSQL'] : []),
  ];
}

/** The environment with the embedded database in it. */
export function withDatabase(env: Env, { appUrl, ownerUrl }: Pick<EmbeddedPostgres, 'appUrl' | 'ownerUrl'>): Env {
  return Object.freeze(
    Object.assign(new Env(), env, { databaseUrl: appUrl, databaseOwnerUrl: ownerUrl, databaseDirectUrl: undefined }),
  );
}
