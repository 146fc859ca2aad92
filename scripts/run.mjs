// Runs a built entry on the Node of node_modules: `node scripts/run.mjs [--build] [--production] ENTRY [ARGUMENT ...]`.
// npm puts node_modules/.bin first, so `node` is the pinned one wherever its install script has run.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const REQUIRED = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < REQUIRED) {
  console.error(
    `Tenon needs Node ${REQUIRED}; this is ${process.versions.node}. "npm ci" brings it as the package "node", whose install script did not run here (--ignore-scripts?). Run: npm rebuild node`,
  );
  process.exit(1);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const options = process.argv.slice(2);
const flags = new Set();
while (options[0]?.startsWith('--')) flags.add(options.shift());
const [entry, ...rest] = options;
const built = new URL(`../dist/${entry}.js`, import.meta.url);

if (flags.has('--production')) process.env.NODE_ENV ??= 'production';
if (flags.has('--build') || (!flags.has('--production') && !existsSync(built))) {
  const nest = fileURLToPath(new URL('../node_modules/@nestjs/cli/bin/nest.js', import.meta.url));
  const { status } = spawnSync(process.execPath, [nest, 'build'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
if (!existsSync(built)) {
  console.error('Nothing is built yet. Run: npm run build');
  process.exit(1);
}
process.argv = [process.execPath, fileURLToPath(built), ...rest];
await import(built);
