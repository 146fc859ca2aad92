import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { RefusedLines } from './refused-lines.js';
import type { ImportCounts, UsersImport } from './users-import.service.js';

const PROGRESS_EVERY_MS = 1_000;

type Say = (line: string) => void;

/**
 * Imports the people of a file and tells how it goes: a line a second, a summary, and a report of refused lines in
 * `FILE.refused.ndjson`.
 * @param signal interrupts it after the batch that runs.
 * @returns the exit code: 0 when the whole file was read, refused lines included; 1 when it was interrupted.
 * @throws Error when the file cannot be read.
 */
export async function importPeople(
  users: UsersImport,
  path: string,
  { dryRun, say, signal }: { dryRun: boolean; say: Say; signal: AbortSignal },
): Promise<number> {
  // Opened first: a wrong name must not remove the report of another run.
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`The file ${path} cannot be read (${error.code}).`);
  });
  const refused = await RefusedLines.begin(`${path}.refused.ndjson`);
  const startedAt = performance.now();
  let toldAt = startedAt;
  try {
    const counts = await users.run(createReadStream(path, { fd: file }), {
      dryRun,
      signal,
      onRefused: (line, refusal) => refused.add(line, refusal),
      onProgress: (sofar) => {
        const now = performance.now();
        if (now - toldAt < PROGRESS_EVERY_MS) return;
        toldAt = now;
        say(`${sofar.lines} lines, ${rateOf(sofar, now - startedAt)} a second`);
      },
    });
    for (const line of summary(counts, dryRun)) say(line);
    if (counts.refused > 0) say(`The refused lines and why: ${refused.path}`);
    if (signal.aborted) say('Interrupted. Run it again to complete it: what is there already is passed over.');
    else say(`${counts.lines} lines, ${rateOf(counts, performance.now() - startedAt)} a second`);
    return signal.aborted ? 1 : 0;
  } finally {
    await refused.close();
  }
}

function rateOf({ lines }: ImportCounts, ms: number): number {
  return Math.round((lines * 1_000) / Math.max(ms, 1));
}

function summary({ imported, unverified, alreadyThere, refused }: ImportCounts, dryRun: boolean): string[] {
  return [
    ...(dryRun ? ['Dry run: nothing was changed.'] : []),
    `imported ${imported}`,
    ...(unverified > 0 ? [`  of them ${unverified} have to verify their e-mail address before they can sign in`] : []),
    `already there ${alreadyThere}`,
    `refused ${refused}`,
  ];
}
