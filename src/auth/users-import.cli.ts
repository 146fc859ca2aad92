import { complain, inApplication, say } from '../command.js';
import { importFile } from './import/import-command.js';
import { UsersImport } from './import/users-import.service.js';

const USAGE = `Usage: npm run users:import -- FILE.ndjson [--dry-run]
Takes people over from another system, one JSON object a line:
  {"email": "ada@example.com", "fullName": "Ada Lovelace", "passwordHash": "$2b$12$…", "emailVerified": true, "externalId": "42"}
Only "email" is required. Safe to run again: who is there already is passed over.`;

const args = process.argv.slice(2);
const dryRun = args.includes('--dry-run');
const [path, ...rest] = args.filter((arg) => arg !== '--dry-run');
if (path === undefined || path.startsWith('-') || rest.length > 0) {
  complain(USAGE);
  process.exitCode = 2;
} else {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  process.exitCode = await inApplication((app) =>
    importFile(app.get(UsersImport, { strict: false }), path, { dryRun, say, signal: interrupted.signal }),
  );
}
