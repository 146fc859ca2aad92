import { loadEnv } from '../../config/env.js';
import type { Terminal } from '../../src/commands/command.js';
import { migrate } from '../../src/commands/migrate.js';
import { TEST_KEYS } from './app.js';
import type { TestDatabase } from './database.js';

/** The variables that a command needs to work on a database of the tests. */
export function commandEnv(db: TestDatabase): Record<string, string> {
  const [{ id, key }] = TEST_KEYS as [(typeof TEST_KEYS)[number]];
  return { NODE_ENV: 'test', DATABASE_URL: db.appUrl, SECRET_KEYS: `${id}:${key.toString('base64')}` };
}

/** Runs a command to its end, on a database of the tests. */
export async function runCommand(
  db: TestDatabase,
  command: (terminal: Terminal) => Promise<number>,
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await command({
    load: () => loadEnv(commandEnv(db)),
    say: (line) => void (out += `${line}\n`),
    complain: (line) => void (err += `${line}\n`),
  });
  return { code, out, err };
}

/** Runs the command as `npm run migrate -- …args` would, on the database of these variables. */
export async function runMigrate(
  args: string[],
  env: Record<string, string | undefined>,
): Promise<{ code: number; out: string }> {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const code = await migrate(args, () => loadEnv({ NODE_ENV: 'test', ...env }), say, say);
  return { code, out: lines.join('\n') };
}
