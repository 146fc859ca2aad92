import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OsUser } from './users.js';

/** A clone of what is committed here, below a home that nobody else may enter. */
export class Clone {
  readonly home = mkdtempSync(join(tmpdir(), 'tenon-home-'));
  readonly path = join(this.home, 'tenon');

  /** @param owner who cloned it; the caller where nobody is named. */
  constructor(owner?: OsUser) {
    const run = (command: string, args: string[]): void => void execFileSync(command, args, { stdio: 'pipe' });
    run('git', ['clone', '--quiet', '--no-hardlinks', process.cwd(), this.path]);
    // Linked file by file: what `npm ci` would install again, in a second instead of a minute.
    const modules = [join(process.cwd(), 'node_modules'), join(this.path, 'node_modules')];
    try {
      run('cp', ['-al', ...modules]);
    } catch {
      rmSync(modules[1]!, { recursive: true, force: true });
      run('cp', ['-a', ...modules]);
    }
    if (owner) {
      const { uid, gid } = owner;
      // Not the linked files: their owner is the owner of the originals.
      run('find', [
        this.home,
        '-path',
        modules[1]!,
        '-prune',
        '-o',
        '-exec',
        'chown',
        '-h',
        `${uid}:${gid}`,
        '{}',
        '+',
      ]);
    }
    chmodSync(this.home, 0o700);
  }

  /** A folder for DATA_DIR that is not there yet. */
  dataDir(name: string): string {
    return join(this.path, name);
  }

  remove(): void {
    for (const name of existsSync(this.path) ? readdirSync(this.path) : []) {
      const note = join(this.path, name, 'postgres-location');
      if (existsSync(note)) rmSync(readFileSync(note, 'utf8').trim(), { recursive: true, force: true });
    }
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** The processes of the PostgreSQL servers whose cluster belongs to a DATA_DIR. */
export function postgresOf(dataDir: string): number[] {
  const note = join(dataDir, 'postgres-location');
  const state = existsSync(note) ? readFileSync(note, 'utf8').trim() : join(dataDir, 'postgres');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandOf(pid).includes(`${state}/`))
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // It ended meanwhile.
    return '';
  }
}
