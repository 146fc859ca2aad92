import { complain, inApplication, say } from '../command.js';
import { PlatformAdminService } from './platform-admin/platform-admin.service.js';

const USAGE = `Usage: npm run admin:reset -- EMAIL
Gives a platform admin a new generated password, prints it once, and ends every session of theirs.`;

const [email, ...rest] = process.argv.slice(2);
if (email === undefined || email.startsWith('-') || rest.length > 0) {
  complain(USAGE);
  process.exitCode = 2;
} else {
  process.exitCode = await inApplication(async (app) => {
    const password = await app.get(PlatformAdminService, { strict: false }).reset(email);
    if (password === null) {
      complain(`No active platform admin has the address ${email}.`);
      return 1;
    }
    say(`New password of ${email}: ${password}   (shown once; every session has ended)`);
    return 0;
  });
}
