import { importPeople } from '../auth/import/import-people.js';
import { UsersImport } from '../auth/import/users-import.service.js';
import { inApplication, type Terminal } from './command.js';

const USAGE = `Usage: npm run users:import -- FILE.ndjson [--dry-run]
Takes people over from another system, one JSON object a line:
  {"email": "ada@example.com", "fullName": "Ada Lovelace", "passwordHash": "$2b$12$…", "emailVerified": true, "externalId": "42"}
Only "email" is required. Safe to run again: who is there already is passed over.`;

/**
 * The command `users:import`.
 * @param args after the command's name.
 * @param signal interrupts it after the batch that runs.
 * @returns the exit code: 0 the whole file was read, 1 it was not, 2 not understood.
 */
export async function usersImport(args: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  const dryRun = args.includes('--dry-run');
  const [path, ...rest] = args.filter((arg) => arg !== '--dry-run');
  if (path === undefined || path.startsWith('-') || rest.length > 0) {
    terminal.complain(USAGE);
    return 2;
  }
  return inApplication(terminal, (app) =>
    importPeople(app.get(UsersImport, { strict: false }), path, { dryRun, say: terminal.say, signal }),
  );
}
