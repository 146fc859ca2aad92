import { PlatformAdminService } from '../auth/platform-admin/platform-admin.service.js';
import { inApplication, type Terminal } from './command.js';

const USAGE = `Usage: npm run admin:grant -- EMAIL
Makes a person who has verified this address a platform admin, beside those there are.`;

/**
 * The command `admin:grant`.
 * @param args after the command's name.
 * @returns the exit code: 0 done, 1 not done, 2 not understood.
 */
export async function adminGrant(args: readonly string[], terminal: Terminal): Promise<number> {
  const [email, ...rest] = args;
  if (email === undefined || email.startsWith('-') || rest.length > 0) {
    terminal.complain(USAGE);
    return 2;
  }
  return inApplication(terminal, async (app) => {
    const granted = await app.get(PlatformAdminService, { strict: false }).grant(email);
    if (granted === null) {
      terminal.complain(`No active account with a verified address ${email}: let them register first.`);
      return 1;
    }
    terminal.say(granted ? `${email} is a platform admin.` : `${email} was a platform admin already.`);
    return 0;
  });
}
