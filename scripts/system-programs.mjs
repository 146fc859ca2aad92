import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import programs from './system-programs.json' with { type: 'json' };

const PACKAGES = { chromium: 'chromium', postgres15: 'postgresql-15' };

/** Installs the programs that the system tests need, where they are missing and it may; gives a sentence where not. */
export function provideSystemPrograms() {
  const missing = Object.keys(programs).filter((name) => !existsSync(programs[name]));
  if (missing.length === 0) return null;
  const packages = missing.map((name) => PACKAGES[name]);
  const needed = `The system tests need ${missing.map((name) => programs[name]).join(' and ')}`;
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || !isDebian())
    return `${needed}, of Debian's packages ${packages.join(' and ')}. As root on Debian they are installed by: ${command}`;
  console.log(`${needed}: ${command}`);
  const { status } = spawnSync('/bin/sh', ['-c', command], {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const left = missing.filter((name) => !existsSync(programs[name]));
  return status === 0 && left.length === 0 ? null : `${needed}, and apt-get could not install them (see above)`;
}

function isDebian() {
  return existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
}
