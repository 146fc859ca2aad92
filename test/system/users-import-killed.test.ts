import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { usersImport } from '../../src/commands/users-import.js';
import { commandEnv, runCommand } from '../harness/command.js';
import { createDatabase, type TestDatabase } from '../harness/database.js';

const BCRYPT = '$2b$12$LJ3m4ys3Lk0ZSq1XG0xJ7OioKjQwU2M.t0GGtUB38tD.jOBTKXfZe';
const TOTAL = 10_000;

let db: TestDatabase;
let folder: string;
beforeAll(async () => {
  db = await createDatabase();
  folder = mkdtempSync(join(tmpdir(), 'tenon-import-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await db.drop();
});

const count = async (where: string): Promise<number> =>
  Number((await db.sql.query<{ n: string }>(`select count(*) as n from ${where}`)).rows[0]!.n);

it('case 15: killed in the middle, whole batches stay with their entries, and the next run completes it', async () => {
  const file = join(folder, 'people.ndjson');
  const lines = Array.from({ length: TOTAL }, (_, at) =>
    JSON.stringify({ email: `killed${at}@example.com`, passwordHash: BCRYPT }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
  const child = spawn('node', ['--import', './test/harness/typescript.mjs', 'src/commands/users-import.cli.ts', file], {
    env: { PATH: process.env.PATH, ...commandEnv(db) },
  });
  await expect.poll(() => count('users')).toBeGreaterThan(0);
  child.kill('SIGKILL');
  await once(child, 'close');
  await expect
    .poll(() =>
      count(`pg_stat_activity where datname = '${db.name}' and query like '%jsonb_to_recordset%' and state <> 'idle'`),
    )
    .toBeLessThanOrEqual(1);
  const left = await count('users');
  expect(left % 500).toBe(0);
  expect(left).toBeLessThan(TOTAL);
  expect(await count(`audit_log where action = 'user.imported'`)).toBe(left);

  const { out } = await runCommand(db, (terminal) => usersImport([file], terminal, new AbortController().signal));
  expect(out).toContain(`imported ${TOTAL - left}\n`);
  expect(out).toContain(`already there ${left}\n`);
  expect(await count('users')).toBe(TOTAL);
  expect(await count('password_credentials')).toBe(TOTAL);
});
