import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminGrant } from '../src/commands/admin-grant.js';
import { ADMIN, startApp, type TestApp } from './harness/app.js';
import { runCommand } from './harness/command.js';
import { newPerson } from './harness/people.js';

describe('admin:grant', () => {
  let tenon: TestApp;
  beforeAll(async () => {
    tenon = await startApp();
  });
  afterAll(() => tenon.close());

  const grant = (...args: string[]) => runCommand(tenon.db, (terminal) => adminGrant(args, terminal));

  it.each([[[]], [['--help']], [['a@example.com', 'b@example.com']]])('shows its usage for %j', async (args) => {
    const { code, err } = await grant(...args);
    expect(code).toBe(2);
    expect(err).toContain('npm run admin:grant -- EMAIL');
  });

  it('makes a person a platform admin from their next request on, told in the trail, once', async () => {
    const { email, auth, userId } = await newPerson(tenon);
    await tenon.http.get('/api/v1/admin/users').set(auth).expect(403);
    expect(await grant(email.toUpperCase())).toMatchObject({ code: 0, err: '' });
    await tenon.http.get('/api/v1/admin/users').set(auth).expect(200);
    expect((await grant(email)).out).toContain('already');
    expect((await grant(ADMIN.email)).out).toContain('already');
    const { rows } = await tenon.db.sql.query(
      `select actor_kind, actor_name, user_id::text, before, after from audit_log where action = 'platform_admin.granted'`,
    );
    const states = { before: { platformRole: null }, after: { platformRole: 'admin' } };
    expect(rows).toEqual([{ actor_kind: 'system', actor_name: 'admin:grant', user_id: userId, ...states }]);
  });

  it('refuses who is not there, is disabled, or has not verified the address', async () => {
    const { email, userId } = await newPerson(tenon);
    const refused = async (address: string) => {
      const { code, err } = await grant(address);
      expect({ code, err }).toEqual({
        code: 1,
        err: `No active account with a verified address ${address}: let them register first.\n`,
      });
    };
    for (const address of ['nobody@example.com', 'no address']) await refused(address);
    await tenon.db.sql.query('update users set email_verified_at = null where id = $1', [userId]);
    await refused(email);
    await tenon.db.sql.query(`update users set email_verified_at = now(), status = 'disabled' where id = $1`, [userId]);
    await refused(email);
  });
});
