import { Env } from '../../config/env.js';
import { findRunningEmbeddedPostgres, startEmbeddedPostgres } from '../database/embedded/embedded-postgres.js';

/** Where a command tells a line. */
export type Say = (line: string) => void;

/** The database that a command works on. */
export interface CommandDatabase {
  /** Needed by what changes the schema. */
  ownerUrl?: string;
  appUrl: string;
  /** Where no variable names it. */
  embedded?: true;
}

/**
 * Runs `work` on the database of the environment; without DATABASE_URL on the embedded one, which a running server may
 * have started, and else is started for the command.
 */
export async function onDatabase<T>(env: Env, say: Say, work: (database: CommandDatabase) => Promise<T>): Promise<T> {
  if (env.databaseUrl) return work({ appUrl: env.databaseUrl, ownerUrl: env.databaseOwnerUrl });
  const running = await findRunningEmbeddedPostgres(env.dataDir);
  if (running) return work({ ...running, embedded: true });
  const started = await startEmbeddedPostgres({ dataDir: env.dataDir, say });
  try {
    return await work({ ...started, embedded: true });
  } finally {
    await started.stop();
  }
}
