import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../harness/port.js';
import { Clone, postgresOf } from './clone.js';
import { launch, listening, printedAdmin, type ServerProcess, stop } from './server.js';
import { addUser, type OsUser, removeUser } from './users.js';

const isRoot = process.getuid?.() === 0;
const ORDINARY = `tenon-test-${process.pid}`;

/** Root tries itself and an ordinary user; anybody else is one. */
const starters = isRoot ? ['root', 'an ordinary user'] : ['an ordinary user'];

describe.each(starters)('P1 npm start as %s, below a home that others cannot read', (starter) => {
  let clone: Clone;
  let user: OsUser | undefined;
  const servers: ServerProcess[] = [];

  beforeAll(() => {
    if (isRoot && starter !== 'root') user = addUser(ORDINARY, '/nonexistent');
    clone = new Clone(user);
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await stop(server);
  });
  afterAll(() => {
    clone?.remove();
    if (user) removeUser(ORDINARY);
  });

  function run(command: string, args: string[], env: Record<string, string>): ServerProcess {
    const server = launch(command, args, { cwd: clone.path, env: { HOME: clone.home, ...env }, user });
    servers.push(server);
    return server;
  }
  const npmStart = (env: Record<string, string>): ServerProcess => run('npm', ['start'], env);
  /** What `npm start` runs once it has built. */
  const startBuilt = (env: Record<string, string>): ServerProcess =>
    run(process.execPath, ['scripts/run.mjs', 'src/main'], env);

  async function place(): Promise<{ PORT: string; url: string }> {
    const port = await freePort();
    return { PORT: String(port), url: `http://127.0.0.1:${port}` };
  }

  async function printed(server: ServerProcess, text: string): Promise<void> {
    while (!server.output().includes(text)) await sleep(20);
  }

  let admin: { email: string; password: string };
  const signIn = (url: string) => supertest(url).post('/api/v1/auth/login').send(admin).expect(200);

  it('builds, installs, migrates, tells the addresses and the admin; Ctrl-C ends it with its PostgreSQL', async () => {
    const { PORT, url } = await place();
    const server = await listening(npmStart({ PORT }));
    expect(server.output()).toContain(`Tenon listens on ${url}`);
    expect(server.output()).toContain(`Swagger UI: ${url}/docs`);
    admin = printedAdmin(server.output());
    await supertest(url).get('/health').expect(200);
    await signIn(url);
    expect(postgresOf(clone.dataDir('.tenon'))).toHaveLength(1);

    server.signalGroup('SIGINT');
    expect(await server.exit).toBe(0);
    expect(server.output()).toContain('SIGINT: stopping');
    expect(postgresOf(clone.dataDir('.tenon'))).toEqual([]);
  });

  it('starts a second time with the same data, and prints no password; SIGTERM ends it', async () => {
    const { PORT, url } = await place();
    const server = await listening(npmStart({ PORT }));
    await signIn(url);
    expect(server.output()).not.toContain('password:');

    server.signalGroup('SIGTERM');
    expect(await server.exit).toBe(0);
    expect(postgresOf(clone.dataDir('.tenon'))).toEqual([]);
  });

  it('passes a signal on that only npm gets, as from a supervisor', async () => {
    const { PORT } = await place();
    const server = await listening(npmStart({ PORT }));
    process.kill(server.pid, 'SIGTERM');
    expect(await server.exit).toBe(0);
    expect(postgresOf(clone.dataDir('.tenon'))).toEqual([]);
  });

  it('case 15: kill -9 of everything but PostgreSQL, and the next start needs no hand', async () => {
    const first = await place();
    const killed = await listening(npmStart({ PORT: first.PORT }));
    killed.signalGroup('SIGKILL');
    await killed.exit;
    expect(postgresOf(clone.dataDir('.tenon'))).toHaveLength(1);

    const second = await place();
    const server = await listening(npmStart({ PORT: second.PORT }));
    expect(server.output()).toContain('ended the PostgreSQL that a killed process had left running');
    await signIn(second.url);
    expect(await stop(server)).toBe(0);
    expect(postgresOf(clone.dataDir('.tenon'))).toEqual([]);
  });

  it('case 13: its PostgreSQL is killed, and it serves again without a hand', async () => {
    const { PORT, url } = await place();
    const server = await listening(npmStart({ PORT }));
    process.kill(postgresOf(clone.dataDir('.tenon'))[0]!, 'SIGKILL');
    await printed(server, 'PostgreSQL is back');
    await expect.poll(async () => (await supertest(url).get('/health/ready')).status).toBe(200);
    await signIn(url);
    expect(await stop(server)).toBe(0);
    expect(postgresOf(clone.dataDir('.tenon'))).toEqual([]);
  });

  it('refuses a second process on one DATA_DIR in a sentence; the first goes on', async () => {
    const first = await place();
    const second = await place();
    await listening(startBuilt({ PORT: first.PORT }));
    const refused = startBuilt({ PORT: second.PORT });
    expect(await refused.exit).toBe(1);
    expect(refused.output()).toMatch(/^Another Tenon process \(pid \d+\) is using the database in .+ DATA_DIR/m);
    expect(refused.output()).not.toMatch(/^\s+at /m);
    await signIn(first.url);
  });

  it('lets one of two first starts at once through', async () => {
    const DATA_DIR = clone.dataDir('both');
    const both = await Promise.all([place(), place()]);
    const started = both.map(({ PORT }) => startBuilt({ PORT, DATA_DIR }));
    const refused = await Promise.race(started.map(async (server) => ((await server.exit) === 1 ? server : undefined)));
    expect(refused?.output()).toContain('Another Tenon process');
    const winner = await listening(started.find((server) => server !== refused)!);
    printedAdmin(winner.output());
    expect(await stop(winner)).toBe(0);
    expect(postgresOf(DATA_DIR)).toEqual([]);
  });

  it('is stopped by Ctrl-C while it installs, and starts from there', async () => {
    const DATA_DIR = clone.dataDir('interrupted');
    const interrupted = startBuilt({ ...(await place()), DATA_DIR });
    await printed(interrupted, 'installing');
    interrupted.signalGroup('SIGINT');
    expect(await interrupted.exit).toBe(0);
    expect(interrupted.output()).not.toContain('could not be installed');
    expect(postgresOf(DATA_DIR)).toEqual([]);

    const server = await listening(startBuilt({ ...(await place()), DATA_DIR }));
    printedAdmin(server.output());
    expect(await stop(server)).toBe(0);
    expect(postgresOf(DATA_DIR)).toEqual([]);
  });

  it('says in a sentence that its port is taken, and leaves no PostgreSQL behind', async () => {
    const { PORT } = await place();
    const other = createServer().listen(Number(PORT), '127.0.0.1');
    try {
      const refused = startBuilt({ PORT });
      expect(await refused.exit).toBe(1);
      expect(refused.output()).toContain(`Cannot listen on 127.0.0.1, port ${PORT}: another program listens there.`);
      expect(refused.output()).not.toMatch(/^\s+at /m);
      expect(postgresOf(clone.dataDir('.tenon'))).toEqual([]);
    } finally {
      other.close();
    }
  });

  it('names everything that is wrong with the environment at once, before anything starts', async () => {
    const DATA_DIR = clone.dataDir('never');
    const wrong = {
      PORT: 'abc',
      PUBLIC_URL: 'ftp://x',
      PASSWORD_MIN_LENGTH: '3',
      SECRET_KEYS: 'x',
      MAIL_URL: 'mail',
      MAIL_FROM: 'nobody',
      ADMIN_EMAIL: 'nobody',
      ADMIN_PASSWORD: 'short',
    };
    const refused = startBuilt({ ...wrong, DATA_DIR });
    expect(await refused.exit).toBe(1);
    for (const name of Object.keys(wrong)) expect(refused.output()).toContain(`- ${name} `.trimEnd());
    expect(refused.output()).not.toMatch(/^\s+at /m);
    expect(postgresOf(DATA_DIR)).toEqual([]);
  });

  it('refuses a password that the first admin may not have, before anything starts', async () => {
    const DATA_DIR = clone.dataDir('never');
    const refused = startBuilt({ ADMIN_PASSWORD: 'short', DATA_DIR });
    expect(await refused.exit).toBe(1);
    expect(refused.output()).toContain('ADMIN_PASSWORD is refused: The password needs at least 15 characters');
    expect(refused.output()).not.toContain('PostgreSQL');
    expect(postgresOf(DATA_DIR)).toEqual([]);
  });

  it('names what production misses', async () => {
    const refused = startBuilt({ NODE_ENV: 'production' });
    expect(await refused.exit).toBe(1);
    for (const name of ['MAIL_URL', 'SECRET_KEYS', 'DATABASE_URL'])
      expect(refused.output()).toContain(`- ${name} is required in production`);
  });
});
