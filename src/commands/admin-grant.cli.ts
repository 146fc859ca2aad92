import { adminGrant } from './admin-grant.js';
import { terminal } from './command.js';

process.exitCode = await adminGrant(process.argv.slice(2), terminal());
