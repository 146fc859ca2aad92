// Runs a built entry on the Node of node_modules: `node scripts/run.mjs [--build] [--production] ENTRY [ARGUMENT ...]`.
import './require-node.mjs';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { buildIfChanged } from './build.mjs';

const options = process.argv.slice(2);
const flags = new Set();
while (options[0]?.startsWith('--')) flags.add(options.shift());
const [entry, ...rest] = options;
const built = new URL(`../dist/${entry}.js`, import.meta.url);

if (flags.has('--production')) process.env.NODE_ENV ??= 'production';
if (flags.has('--build') || (!flags.has('--production') && !existsSync(built))) buildIfChanged();
if (!existsSync(built)) {
  console.error('Nothing is built yet. Run: npm run build');
  process.exit(1);
}
// libuv has four threads unless told otherwise, before it first needs one. The server hashes as many passwords at once as it
// has cores (auth/passwords/hashing-pool.ts): eight cores would hash on four, and files and names of hosts wait behind that.
if (entry === 'src/main') process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));
process.argv = [process.execPath, fileURLToPath(built), ...rest];
await import(built);
