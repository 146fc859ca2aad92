import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Env, loadEnv } from '../../config/env.js';
import { AppModule } from '../app.module.js';
import { onDatabase, type Say } from './command-database.js';
import { testConnection } from '../database/connection-test.js';
import { migrationStates } from '../database/schema.js';
import { generatedSecretKeys } from '../kernel/secret-keys-file.js';
import { withDatabase } from '../start.js';

/** What a command reads and writes. */
export interface Terminal {
  /** Reads the environment; only asked for a command that is understood. */
  load: () => Env;
  /** A line of what the command was asked for. */
  say: Say;
  /** A line beside it: what went wrong, what a database that is started tells. */
  complain: Say;
}

/** The terminal of this process. */
export function terminal(): Terminal {
  // `| head` closes the pipe; the command still has to end well and stop the database that it started.
  process.stdout.on('error', () => undefined);
  return {
    load: loadEnv,
    say: (line) => void process.stdout.write(`${line}\n`),
    complain: (line) => void process.stderr.write(`${line}\n`),
  };
}

/**
 * Runs a command's work in the application, without HTTP, jobs or listeners, on the database of the environment. A
 * server may run beside it.
 * @param work gives the exit code.
 * @returns the exit code; 1 when it could not be done, and then the reason was told in a sentence.
 */
export async function inApplication(
  { load, complain }: Terminal,
  work: (app: INestApplicationContext) => Promise<number>,
): Promise<number> {
  try {
    const env = load();
    const keys = env.secretKeys.length > 0 ? env.secretKeys : generatedSecretKeys(env.dataDir);
    return await onDatabase(env, complain, async ({ appUrl, ownerUrl, embedded }) => {
      await testConnection(appUrl, embedded ? 'embedded' : 'DATABASE_URL');
      await requireSchema(appUrl);
      const withUrls = embedded ? withDatabase(env, { appUrl, ownerUrl: ownerUrl! }) : env;
      const app = await NestFactory.createApplicationContext(AppModule.forRoot(withUrls, keys), {
        logger: false,
        abortOnError: false,
      });
      try {
        return await work(app);
      } finally {
        await app.close();
      }
    });
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

/** @throws Error when the schema is not the one of this version. */
async function requireSchema(url: string): Promise<void> {
  const states = await migrationStates(url);
  if (states.some(({ executedAt }) => executedAt === null))
    throw new Error('The schema is not current. Start the server once, or run: npm run migrate -- up');
  if (states.some(({ known }) => !known))
    throw new Error('A newer version has migrated this database; use that version.');
}
