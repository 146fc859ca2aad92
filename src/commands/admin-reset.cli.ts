import { adminReset } from './admin-reset.js';
import { terminal } from './command.js';

process.exitCode = await adminReset(process.argv.slice(2), terminal());
