import { readFileSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';

import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import type { StateFolder } from './state-folder.js';

/** SQLite gets the exclusive lock by way of a shared one: without patience two at once can refuse each other, and none wins. */
const contentionMs = 500;

/**
 * Takes the state folder for this process alone; gives the function that frees it.
 *
 * SQLite is used for its lock only: it is a lock of the kernel (fcntl), which Node does not offer itself. It goes with the
 * process whatever kills it, a reused pid does not keep it, and other containers on the same volume see it. Nobody in this
 * process may open and close the file beside SQLite: closing it would drop the lock.
 *
 * @throws EmbeddedPostgresError when another process has it.
 */
export async function lockStateFolder(state: StateFolder): Promise<() => void> {
  const path = state.file('lock');
  const holder = state.file('lock.pid');
  const database = new DatabaseSync(path);
  try {
    database.exec(`pragma busy_timeout = ${contentionMs}; begin exclusive`);
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new EmbeddedPostgresError(
      `Another Tenon process (pid ${readHolder(holder)}) is using the database in ${state.path}. ` +
        'Stop it first, or set DATA_DIR to another folder to run a second one.',
    );
  }
  // Whoever may read the file may lock it too.
  await chmod(path, 0o600);
  writeFileSync(holder, `${process.pid}\n`);
  await state.handOver(path);
  await state.handOver(holder);
  return () => database.close();
}

/** SQLITE_BUSY is 5; extended codes keep it in the low byte (https://www.sqlite.org/rescode.html). */
function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode ?? 0;
  return (code & 0xff) === 5;
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
