import { mkdtempSync, readFileSync, rmSync, existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { EntityManager } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { UsersImport } from '../src/auth/import/users-import.service.js';
import { asSystem } from '../src/database/tenant-context.js';
import { usersImport } from '../src/commands/users-import.js';
import { PASSWORD, startApp, type TestApp } from './harness/app.js';
import { runCommand } from './harness/command.js';
import { mailedToken, newEmail, newPerson, signIn } from './harness/people.js';

interface Attempt {
  user_id: string | null;
  decoy: string | null;
  password_hash: string | null;
  verified: boolean | null;
}

/** What `PasswordCheck` asks the database, with a place of our own choice for the decoy. */
async function attempt(em: EntityManager, email: string, place: string): Promise<Attempt> {
  const parameters = [Buffer.from(email), email, place];
  const [row] = await em.execute<Attempt[]>('select * from password_attempt(?, ?, ?, 1000, 900)', parameters);
  return row!;
}

/** The password of the hashes, which Python's hashlib and crypt and OpenSSL's argon2 made. */
const IMPORTED_PASSWORD = 'pässwort mit Ümlaut';
const HASHES: [scheme: string, hash: string][] = [
  ['bcrypt', '$2b$12$LJ3m4ys3Lk0ZSq1XG0xJ7OioKjQwU2M.t0GGtUB38tD.jOBTKXfZe'],
  ['argon2', '$argon2id$v=19$m=65536,t=3,p=4$AAECAwQFBgcICQoLDA0ODw$NydZM7AKQahxsxpLvoiwm7xYWr5n1B6OqSP/ZcdtKwU'],
  ['scrypt', '$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$MGAfJ2eZxhu0QwgVm7lYPP/DDfkD1LQYs2S8iG5k3t8'],
  ['PBKDF2', 'pbkdf2_sha256$26000$q9xK2mVt8RzL$4kq5SdyJXPAVyhdfzuBUvMFL4/ouAe6Zabfk1ZKosb0='],
];
const BCRYPT = HASHES[0]![1];
const TODAY = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/;

type Line = Record<string, unknown> | string;
const ndjson = (lines: readonly Line[]): string =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');

let tenon: TestApp;
let folder: string;
let file: string;
beforeAll(async () => {
  tenon = await startApp();
});
afterAll(() => tenon.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-import-'));
  file = join(folder, 'people.ndjson');
  return () => rmSync(folder, { recursive: true, force: true });
});

const command = (...args: string[]) =>
  runCommand(tenon.db, (terminal) => usersImport(args, terminal, new AbortController().signal));

/** Runs the command on a file of these lines. */
async function run(lines: readonly Line[], ...args: string[]) {
  writeFileSync(file, ndjson(lines));
  return command(file, ...args);
}

const report = (): { line: number; code: string; message: string }[] =>
  readFileSync(`${file}.refused.ndjson`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const count = async (where: string): Promise<number> =>
  Number((await tenon.db.sql.query<{ n: string }>(`select count(*) as n from ${where}`)).rows[0]!.n);

const hashOf = async (email: string): Promise<string> =>
  (
    await tenon.db.sql.query<{ password_hash: string }>(
      'select password_hash from password_credentials c join users u on u.id = c.user_id where email = $1',
      [email],
    )
  ).rows[0]!.password_hash;

const logIn = (email: string, password: string) => tenon.http.post('/api/v1/auth/login').send({ email, password });

describe('A3 imported people', () => {
  it('sign in with the password that they had, whatever hashed it, and get a hash of today', async () => {
    const people = HASHES.map(([scheme, passwordHash]) => ({
      email: newEmail(scheme.toLowerCase()),
      fullName: scheme,
      passwordHash,
      emailVerified: true,
      externalId: `${scheme}-1`,
    }));
    const { code, out } = await run(people);
    expect(code).toBe(0);
    expect(out).toContain('imported 4\nalready there 0\nrefused 0\n');
    expect(existsSync(`${file}.refused.ndjson`)).toBe(false);
    for (const { email, passwordHash } of people) {
      expect(await hashOf(email)).toBe(passwordHash);
      await logIn(email, `${IMPORTED_PASSWORD} `).expect(401);
      expect(await hashOf(email)).toBe(passwordHash);
      await signIn(tenon, email, IMPORTED_PASSWORD);
      expect(await hashOf(email)).toMatch(TODAY);
      await signIn(tenon, email, IMPORTED_PASSWORD);
    }
    const { rows } = await tenon.db.sql.query(
      `select actor_kind, actor_name, after from audit_log a join users u on u.id = a.user_id
        where action = 'user.imported' and email = $1`,
      [people[0]!.email],
    );
    const { email, fullName, emailVerified, externalId } = people[0]!;
    expect(rows).toEqual([
      { actor_kind: 'system', actor_name: 'users:import', after: { email, fullName, emailVerified, externalId } },
    ]);
  });

  it('prove their address first when the other system had not verified it', async () => {
    const email = newEmail();
    const { out } = await run([
      { email, passwordHash: BCRYPT, emailVerified: false },
      { email: newEmail(), passwordHash: BCRYPT },
    ]);
    expect(out).toContain('imported 2\n  of them 2 have to verify');
    expect((await logIn(email, 'wrong').expect(401)).body.code).toBe('invalid_credentials');
    expect((await logIn(email, IMPORTED_PASSWORD).expect(403)).body.code).toBe('email_not_verified');
    await tenon.http.post('/api/v1/auth/verify-email/resend').send({ email }).expect(202);
    const token = await mailedToken(tenon, email, 'verify-email');
    await tenon.http.post('/api/v1/auth/verify-email').send({ token }).expect(200);
    await signIn(tenon, email, IMPORTED_PASSWORD);
  });

  it('set a password by mail when they bring none; without a name they have that of the mailbox', async () => {
    const email = newEmail('grace');
    await run([{ email }]);
    await logIn(email, IMPORTED_PASSWORD).expect(401);
    await tenon.http.post('/api/v1/auth/password/forgot').send({ email }).expect(202);
    const token = await mailedToken(tenon, email, 'password-reset');
    await tenon.http.post('/api/v1/auth/password/reset').send({ token, password: PASSWORD }).expect(204);
    const { auth } = await signIn(tenon, email);
    const { body } = await tenon.http.get('/api/v1/users/me').set(auth).expect(200);
    expect(body).toMatchObject({ fullName: email.slice(0, email.indexOf('@')), emailVerified: true });
  });

  it('case 19: one mailbox has one account, in any spelling, in the file and before', async () => {
    const known = await newPerson(tenon);
    const email = newEmail('twice');
    const { out } = await run([
      { email: email.toUpperCase(), passwordHash: BCRYPT },
      { email: `${email}.`, passwordHash: HASHES[2]![1] },
      { email: known.email.toUpperCase(), fullName: 'Somebody else', passwordHash: BCRYPT, emailVerified: true },
    ]);
    expect(out).toContain('imported 1\n');
    expect(out).toContain('already there 1\nrefused 1\n');
    expect(report()).toEqual([{ line: 2, code: 'duplicate_in_file', message: 'The same e-mail address as in line 1' }]);
    expect(await hashOf(email)).toBe(BCRYPT);
    await signIn(tenon, known.email, known.password);
  });

  it('case 25: hostile costs are refused before computing; the report names line and reason, and no hash', async () => {
    const hostile = [
      '$argon2id$v=19$m=4194304,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$qtlzDz4/eo0LDM9z7tgRSv0GeFUefkuF2q4JhQPz9OE',
      '$argon2id$v=19$m=19456,t=1073741824,p=1$AAECAwQFBgcICQoLDA0ODw$qtlzDz4/eo0LDM9z7tgRSv0GeFUefkuF2q4JhQPz9OE',
      '$2b$31$LJ3m4ys3Lk0ZSq1XG0xJ7OioKjQwU2M.t0GGtUB38tD.jOBTKXfZe',
      '$scrypt$ln=30,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$MGAfJ2eZxhu0QwgVm7lYPP/DDfkD1LQYs2S8iG5k3t8',
      'pbkdf2_sha256$1073741824$q9xK2mVt8RzL$4kq5SdyJXPAVyhdfzuBUvMFL4/ouAe6Zabfk1ZKosb0=',
    ];
    const good = newEmail();
    const { code, out } = await run([
      ...hostile.map((passwordHash, at) => ({ email: newEmail(`hostile${at}`), passwordHash })),
      { email: newEmail(), passwordHash: '5f4dcc3b5aa765d61d8327deb882cf99' },
      '{"email":',
      { email: newEmail(), platformRole: 'admin' },
      { email: good, passwordHash: BCRYPT, emailVerified: true },
    ]);
    expect(code).toBe(0);
    expect(out).toContain('imported 1\nalready there 0\nrefused 8\n');
    expect(report().map(({ line, code: reason }) => [line, reason])).toEqual([
      ...hostile.map((_, at) => [at + 1, 'password_hash_cost_too_high']),
      [6, 'password_hash_unknown_scheme'],
      [7, 'malformed_json'],
      [8, 'unknown_property'],
    ]);
    const text = readFileSync(`${file}.refused.ndjson`, 'utf8');
    for (const secret of ['qtlzDz4', 'LJ3m4ys3', 'MGAfJ2eZ', '4kq5Sdy', '5f4dcc3b', '@']) {
      expect(text).not.toContain(secret);
      expect(out).not.toContain(secret);
    }
    await signIn(tenon, good, IMPORTED_PASSWORD);
    expect(await count(`users where email like 'hostile%'`)).toBe(0);
  });

  it('a second run finds everybody there, and a dry run says the same as the run that follows', async () => {
    const people = Array.from({ length: 1_200 }, (_, at) => ({ email: `again${at}@example.com` }));
    const lines = [...people, { email: 'again7@example.com' }];
    const before = await count('audit_log');
    const dry = await run(lines, '--dry-run');
    expect(dry.out).toContain('Dry run: nothing was changed.\nimported 1200\n');
    expect(dry.out).toContain('already there 0\nrefused 1\n');
    expect(await count(`users where email like 'again%'`)).toBe(0);
    expect(await count('audit_log')).toBe(before);

    expect((await run(lines)).out).toContain('imported 1200\n');
    expect(await count(`audit_log where action = 'user.imported' and after ->> 'email' like 'again%'`)).toBe(1_200);
    const second = await run(lines);
    expect(second.out).toContain('imported 0\nalready there 1200\nrefused 1\n');
    expect(await count(`users where email like 'again%'`)).toBe(1_200);
    expect(await count(`audit_log where action = 'user.imported' and after ->> 'email' like 'again%'`)).toBe(1_200);
  });

  it('takes 20,000 lines with steady memory', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    let batches = 0;
    let [early, late] = [0, 0];
    const heap = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    async function* lines(): AsyncGenerator<Buffer> {
      for (let at = 0; at < 20_000; at += 1)
        yield Buffer.from(`${JSON.stringify({ email: `many${at}@example.com`, passwordHash: BCRYPT })}\n`);
    }
    const counts = await tenon.app.get(UsersImport, { strict: false }).run(lines(), {
      onRefused: async () => undefined,
      onProgress: ({ lines: read }) => {
        batches += 1;
        if (batches === 5) early = heap();
        if (read === 20_000) late = heap();
      },
    });
    expect(counts).toMatchObject({ lines: 20_000, imported: 20_000 });
    expect(batches).toBeGreaterThan(20);
    // The addresses of the file are remembered; hashes, rows and entries are not.
    expect(late - early).toBeLessThan(10 * 2 ** 20);
  });

  it.each([[[]], [['--dry-run']], [['--help']], [['a.ndjson', 'b.ndjson']]])('shows its usage for %j', async (args) => {
    const { code, err } = await command(...args);
    expect(code).toBe(2);
    expect(err).toContain('npm run users:import -- FILE.ndjson');
  });

  it('says so when the file cannot be read', async () => {
    const { code, err } = await command(join(folder, 'none.ndjson'));
    expect({ code, err }).toEqual({
      code: 1,
      err: `The file ${join(folder, 'none.ndjson')} cannot be read (ENOENT).\n`,
    });
  });
});

describe('A3 case 17: an imported hash is not told from none by the time that it takes', () => {
  it('unknown addresses are checked against the stored schemes as often as these occur, each always against one', async () => {
    const other = await startApp();
    try {
      async function* lines(): AsyncGenerator<Buffer> {
        for (let at = 0; at < 300; at += 1)
          yield Buffer.from(`{"email":"p${at}@example.com","passwordHash":"${HASHES[at % 3 === 0 ? 0 : 2]![1]}"}\n`);
      }
      await other.app.get(UsersImport, { strict: false }).run(lines(), { onRefused: async () => undefined });
      const em = other.app.get(EntityManager);
      const decoyAt = async (place: string): Promise<string | undefined> =>
        asSystem(em.fork(), async (system) => {
          const { user_id, decoy } = await attempt(system, 'nobody@example.com', place);
          expect(user_id).toBeNull();
          return decoy ?? undefined;
        });
      const places = Array.from({ length: 256 }, (_, at) => at.toString(16).padStart(2, '0'));
      const decoys = await Promise.all(places.map(decoyAt));
      expect(await Promise.all(places.map(decoyAt))).toEqual(decoys);
      const bcrypt = decoys.filter((decoy) => decoy === BCRYPT).length;
      expect(bcrypt).toBeGreaterThan(256 / 6);
      expect(bcrypt).toBeLessThan(256 / 2);

      const known = await asSystem(em.fork(), (system) => attempt(system, 'p0@example.com', '00'));
      expect(known).toMatchObject({ password_hash: BCRYPT, verified: false });
      for (const password of ['wrong', IMPORTED_PASSWORD]) {
        const { body } = await other.http
          .post('/api/v1/auth/login')
          .send({ email: 'nobody@example.com', password })
          .expect(401);
        expect(body.code).toBe('invalid_credentials');
      }
    } finally {
      await other.close();
    }
  });
});
