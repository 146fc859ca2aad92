import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

import type { OsUser } from './os-user.js';

/** No PGDATA, LD_LIBRARY_PATH or locale of the caller reaches PostgreSQL: its answers are read in English. */
export const cleanEnvironment = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' };

export interface RunResult {
  /** The program began and left with exit code 0. */
  ok: boolean;
  /** Its standard output and error together, or the reason why it could not begin. */
  output: string;
}

/** Runs a program to its end, as `user` where one is given (only root may). Never throws for what the program does. */
export function run(command: string, args: string[], user?: OsUser): Promise<RunResult> {
  return new Promise((resolve) => {
    let child: ChildProcessByStdio<null, Readable, Readable>;
    try {
      child = spawn(command, args, {
        // The caller's own folder may be closed to the other user.
        cwd: '/',
        env: cleanEnvironment,
        uid: user?.uid,
        gid: user?.gid,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    } catch (error) {
      // Some reasons are thrown (EPERM: this root may not act as others), others are events.
      resolve({ ok: false, output: (error as Error).message });
      return;
    }
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output: output.trim() }));
  });
}
