import { PlatformAdminService } from '../auth/platform-admin/platform-admin.service.js';
import { inApplication, type Terminal } from './command.js';

const USAGE = `Usage: npm run admin:reset -- EMAIL
Gives a platform admin a new generated password, prints it once, and ends every session of theirs.`;

/**
 * The command `admin:reset`.
 * @param args after the command's name.
 * @returns the exit code: 0 done, 1 not done, 2 not understood.
 */
export async function adminReset(args: readonly string[], terminal: Terminal): Promise<number> {
  const [email, ...rest] = args;
  if (email === undefined || email.startsWith('-') || rest.length > 0) {
    terminal.complain(USAGE);
    return 2;
  }
  return inApplication(terminal, async (app) => {
    const password = await app.get(PlatformAdminService, { strict: false }).reset(email);
    if (password === null) {
      terminal.complain(`No active platform admin has the address ${email}.`);
      return 1;
    }
    terminal.say(`New password of ${email}: ${password}   (shown once; every session has ended)`);
    return 0;
  });
}
