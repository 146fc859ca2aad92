import { setTimeout as sleep } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Env } from '../config/env.js';
import { createApp } from './app.setup.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './database/embedded/embedded-postgres.js';
import { Readiness } from './kernel/readiness.js';
import { generatedSecretKeys } from './kernel/secret-keys-file.js';

/** What SIGTERM leaves us (CONTRACT): requests first, then the embedded PostgreSQL. */
const STOP_WITHIN_MS = 10_000;

/** Starts the process: embedded database if none is named, application, start steps; and stops it on a signal. */
export async function start(given: Env): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const keys = given.secretKeys.length > 0 ? given.secretKeys : generatedSecretKeys(given.dataDir);
  let embedded: Promise<EmbeddedPostgres> | null = null;
  let app: NestFastifyApplication | null = null;
  let stopping = false;

  const stop = async (signal: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    say(`${signal}: stopping`);
    const deadline = setTimeout(() => process.exit(1), STOP_WITHIN_MS);
    deadline.unref();
    if (app) {
      app.get(Readiness).stopping = true;
      await app.close().catch((error: unknown) => say(`while stopping: ${String(error)}`));
    }
    // Awaited also when the signal came while it was starting: else the server would be left running.
    await embedded?.then((postgres) => postgres.stop()).catch(() => undefined);
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));

  let env = given;
  if (!env.databaseUrl) {
    embedded = startEmbeddedPostgres({ dataDir: env.dataDir, say });
    env = withDatabase(env, await embedded);
    if (stopping) return;
  }
  app = await createApp(env, keys);
  // Listening comes first: /health/live answers while the database is still waited for.
  await app.listen(env.port, env.host);
  const readiness = app.get(Readiness);
  let told = '';
  await readiness.startUp(
    (step, error) => {
      const line = `waiting for ${step}: ${error instanceof Error ? error.message : String(error)}`;
      if (line !== told) say(line);
      told = line;
    },
    (ms) => sleep(ms),
  );
  if (stopping) return;
  say(`Tenon listens on ${env.publicUrl}`);
  if (env.docs) say(`Swagger UI: ${env.publicUrl}/docs`);
  for (const line of readiness.notices.splice(0)) say(line);
}

/** The environment with the embedded database in it. */
export function withDatabase(env: Env, { appUrl, ownerUrl }: Pick<EmbeddedPostgres, 'appUrl' | 'ownerUrl'>): Env {
  return Object.freeze(
    Object.assign(new Env(), env, { databaseUrl: appUrl, databaseOwnerUrl: ownerUrl, databaseDirectUrl: undefined }),
  );
}
