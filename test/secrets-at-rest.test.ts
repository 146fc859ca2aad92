import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, startApp, type TestApp } from './harness/app.js';
import { mailedToken, newEmail, newPerson } from './harness/people.js';

const NEW = 'twelve quiet lanterns drift home';
const WRONG = 'nine purple kettles sing loudly';

let tenon: TestApp;
beforeAll(async () => {
  tenon = await startApp();
});
afterAll(() => tenon.close());

const post = (path: string, body: object) => tenon.http.post(`/api/v1${path}`).send(body);

describe('case 12: secrets in the database', () => {
  it('after every way through the accounts no password, token or access token stands in any table', async () => {
    const person = await newPerson(tenon);
    const { email, auth, accessToken, refreshToken } = person;
    const secrets: Record<string, string> = { PASSWORD, NEW, WRONG, accessToken, refreshToken };
    secrets.verify = await mailedToken(tenon, email, 'verify-email');
    await post('/auth/login', { email, password: WRONG }).expect(401);
    // Typed into the wrong field, as people do: no address, so it is refused and not remembered.
    await post('/auth/login', { email: WRONG, password: WRONG }).expect(400);
    const refreshed = await post('/auth/refresh', { refreshToken }).expect(200);
    secrets.nextRefreshToken = refreshed.body.refreshToken;
    await post('/auth/password/forgot', { email }).expect(202);
    secrets.unusedReset = await mailedToken(tenon, email, 'password-reset');
    await post('/auth/password/change', { currentPassword: PASSWORD, newPassword: NEW }).set(auth).expect(204);
    const next = newEmail();
    await post('/users/me/email', { email: next, currentPassword: NEW }).set(auth).expect(202);
    secrets.confirm = await mailedToken(tenon, next, 'email-change-confirm');
    secrets.undo = await mailedToken(tenon, email, 'email-change-notice');
    await post('/auth/email-change/confirm', { token: secrets.confirm }).expect(204);

    const { body } = await tenon.http.post('/api/v1/organizations').set(auth).send({ name: 'Engines' }).expect(201);
    const at = `/organizations/${body.id}`;
    const key = { name: 'A key', environment: 'production', scopes: ['members:read'] };
    const made = await post(`${at}/api-keys`, key).set(auth).expect(201);
    const rotated = await post(`${at}/api-keys/${made.body.id}/rotate`, {}).set(auth).expect(200);
    [secrets.apiKey, secrets.rotatedApiKey] = [made.body.key, rotated.body.key];
    for (const shown of [secrets.apiKey, secrets.rotatedApiKey])
      await tenon.http.get(`/api/v1${at}/members`).set({ 'x-api-key': shown! }).expect(200);
    await tenon.http.get(`/api/v1${at}/audit-log`).set({ 'x-api-key': secrets.rotatedApiKey! }).expect(403);

    const hook = { url: 'https://1.1.1.1/', eventTypes: ['*'] };
    const webhook = await post(`${at}/webhooks`, hook).set(auth).expect(201);
    const renewed = await post(`${at}/webhooks/${webhook.body.id}/rotate-secret`, {}).set(auth).expect(200);
    [secrets.webhook, secrets.renewedWebhook] = [webhook.body.secret.slice(6), renewed.body.secret.slice(6)];

    const { rows: tables } = await tenon.db.sql.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'bullmq')`,
    );
    expect(tables.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['public.outbox', 'public.audit_log', 'public.user_sessions', 'bullmq.job']),
    );
    for (const { name } of tables)
      for (const [what, secret] of Object.entries(secrets)) {
        // As text, and as the bytes that a bytea shows.
        const found = await tenon.db.sql.query(
          `select from ${name} t where strpos(t::text, $1) > 0 or strpos(t::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0
                                   or strpos(t::text, encode(convert_to($1, 'UTF8'), 'base64')) > 0`,
          [secret],
        );
        expect(found.rowCount, `${what} in ${name}`).toBe(0);
      }
  });
});
