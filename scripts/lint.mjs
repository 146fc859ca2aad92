// All that is checked without running it: `node scripts/lint.mjs`. At once, since two of the three keep one core busy each.
import './require-node.mjs';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const CHECKS = [
  ['oxlint', '--type-aware'],
  ['prettier', '--check', '.', '--log-level', 'warn'],
  ['tsc', '--noEmit'],
];

/** Runs a program of node_modules, prints what it says once it has ended, and gives its exit code. */
function check([program, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [`${root}/node_modules/.bin/${program}`, ...args], { cwd: root });
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => said.push(data));
    child.on('close', (code) => {
      process.stdout.write(Buffer.concat(said));
      resolve(code ?? 1);
    });
  });
}

const codes = await Promise.all(CHECKS.map(check));
process.exitCode = codes.some((code) => code !== 0) ? 1 : 0;
