import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanup } from '../src/commands/cleanup.js';
import { insertPerson } from './harness/accounts.js';
import { startApp } from './harness/app.js';
import { fillTokens } from './harness/cleanup.js';
import { runCommand } from './harness/command.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { insertOrganization } from './harness/organizations.js';

describe('npm run cleanup', () => {
  let db: TestDatabase;
  let facts: { userId: string; organizationId: string };
  beforeAll(async () => {
    db = await createDatabase();
    facts = { ...(await insertPerson(db)), ...(await insertOrganization(db)) };
  });
  afterAll(() => db.drop());

  const drawn: string[] = [];
  const run = (args: string[], isTTY = false) =>
    runCommand(db, (terminal) =>
      cleanup(args, terminal, new AbortController().signal, { isTTY, write: (text) => drawn.push(text) }),
    );

  it.each([
    [['session'], "Unexpected argument 'session'"],
    [['--type', 'session'], "Unknown option '--type'"],
    [['--types', 'users'], 'There is no type "users"'],
    [['--types', 'session,session'], 'The type session is named twice'],
    [['--batch-size', '0'], 'The batch size has to be a number from 1 to 10000, not "0"'],
    [['--batch-size=-1'], 'not "-1"'],
    [['--batch-size', '1;DROP'], 'not "1;DROP"'],
    [['--batch-size', '10001'], 'not "10001"'],
  ])('for %j says what is wrong, and shows its usage', async (args, wrong) => {
    const { code, err } = await run(args);
    expect(code).toBe(2);
    expect(err.split('\n')[0]).toContain(wrong);
    expect(err).toContain('npm run cleanup -- [--types');
  });

  it.each(['--help', '-h'])('shows its usage for %s, and ends well', async (flag) => {
    const { code, out, err } = await run([flag]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('npm run cleanup -- [--types');
  });

  it('counts, and then removes, without a server; lines where it is no terminal, a bar where it is one', async () => {
    await fillTokens(db, { ...facts, expired: 30, live: 5 });
    const dry = await run(['--types', 'session,password_reset', '--dry-run']);
    expect(dry).toMatchObject({ code: 0, err: '' });
    expect(dry.out).toContain('session: 30 expired\n');
    expect(dry.out).toContain('100 %, 60 counted');
    expect(dry.out).toContain('Dry run: 60 expired rows would go, nothing was removed');
    expect(dry.out).not.toMatch(/\d removed/);
    expect(drawn).toEqual([]);
    const real = await run(['--types', 'session,password_reset', '--batch-size', '7'], true);
    expect(real).toMatchObject({ code: 0, err: '' });
    expect(real.out).toContain('60 expired, 60 removed');
    expect(drawn.join('')).toContain(`[${'#'.repeat(30)}] 100 %, 60 removed`);
  });

  it('a run that was interrupted is done by a server', async () => {
    const interrupted = AbortSignal.abort();
    const { code, err } = await runCommand(db, (terminal) =>
      cleanup(['--types', 'invitation'], terminal, interrupted, { write: () => undefined }),
    );
    expect({ code, err }).toEqual({ code: 1, err: 'Interrupted; a server does the rest.\n' });
    const left = async () =>
      (await db.sql.query(`select from invitations where expires_at < now() - interval '30 days'`)).rowCount;
    expect(await left()).toBe(30);
    const server = await startApp({ db });
    await expect.poll(left).toBe(0);
    await server.close();
  });
});
