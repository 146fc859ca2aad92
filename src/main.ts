import { EnvError, loadEnv } from '../config/env.js';
import { firstAdminProblems } from './auth/platform-admin/platform-admin.service.js';
import { EmbeddedPostgresError } from './database/embedded/embedded-postgres.js';
import { FatalStartError } from './kernel/readiness.js';
import { start } from './start.js';

/** What the operator can mend, told in their message. */
const SENTENCES = [EnvError, EmbeddedPostgresError, FatalStartError];

try {
  await start(loadEnv(undefined, firstAdminProblems));
} catch (error) {
  const mendable = SENTENCES.some((kind) => error instanceof kind);
  const text = error instanceof Error ? (mendable ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
