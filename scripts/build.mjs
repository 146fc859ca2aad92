import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Compiles to `dist/`; ends the process where that fails. */
export function build() {
  const nest = fileURLToPath(new URL('../node_modules/@nestjs/cli/bin/nest.js', import.meta.url));
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const { status } = spawnSync(process.execPath, [nest, 'build'], { cwd, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
