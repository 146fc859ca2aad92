import { rlsReport } from './rls-report.js';
import { terminal } from './command.js';

process.exitCode = await rlsReport(process.argv.slice(2), terminal());
