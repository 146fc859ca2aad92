import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminReset } from '../src/commands/admin-reset.js';
import { ADMIN, startApp, type TestApp } from './harness/app.js';
import { runCommand } from './harness/command.js';
import { newPerson, signIn, signInAdmin } from './harness/people.js';

describe('admin:reset', () => {
  let tenon: TestApp;
  beforeAll(async () => {
    tenon = await startApp();
  });
  afterAll(() => tenon.close());

  const reset = (...args: string[]) => runCommand(tenon.db, (terminal) => adminReset(args, terminal));

  it('refuses an address that no platform admin has, and changes nothing', async () => {
    const { email } = await newPerson(tenon);
    for (const address of [email, 'nobody@example.com', 'no address']) {
      const { code, out, err } = await reset(address);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toBe(`No active platform admin has the address ${address}.\n`);
    }
    await signIn(tenon, email);
    await signInAdmin(tenon);
  });

  it.each([[[]], [['--help']], [['a@example.com', 'b@example.com']]])('shows its usage for %j', async (args) => {
    const { code, err } = await reset(...args);
    expect(code).toBe(2);
    expect(err).toContain('npm run admin:reset -- EMAIL');
  });

  it('prints a new password once; the old one, the sessions and the lock are gone beside a running server', async () => {
    const before = await signInAdmin(tenon);
    for (let tries = 0; tries < 11; tries += 1)
      await tenon.http.post('/api/v1/auth/login').send({ email: ADMIN.email, password: 'wrong' });
    await tenon.http.post('/api/v1/auth/login').send(ADMIN).expect(429);

    const { code, out, err } = await reset(ADMIN.email.toUpperCase());
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const password = /: (\S{24}) {3}\(shown once/.exec(out)?.[1];
    expect(password).toBeDefined();

    await tenon.http.post('/api/v1/auth/refresh').send({ refreshToken: before.refreshToken }).expect(401);
    await expect.poll(async () => (await tenon.http.get('/api/v1/users/me').set(before.auth)).status).toBe(401);
    await tenon.http.post('/api/v1/auth/login').send(ADMIN).expect(401);
    await signIn(tenon, ADMIN.email, password);
    const { rows } = await tenon.db.sql.query(
      `select actor_kind, actor_name, user_id::text, before, after from audit_log where action = 'password.reset'`,
    );
    expect(rows).toEqual([
      { actor_kind: 'system', actor_name: 'admin:reset', user_id: before.userId, before: null, after: null },
    ]);
  });
});
