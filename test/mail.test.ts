import { EntityManager } from '@mikro-orm/postgresql';
import type { SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import { MailHealth } from '../src/mail/mail-health.js';
import { MailService } from '../src/mail/mail.service.js';
import { MailsQueries } from '../src/mail/mails.queries.js';
import { ADMIN, freePort, startApp, type TestApp, type TestAppOptions } from './harness/app.js';
import { createDatabase } from './harness/database.js';
import { type MailCatcher, smtpError, startMailCatcher } from './harness/smtp.js';

type Row = Record<string, unknown>;
const TOKEN = 'q7Y2vWm3Zk9-8Lx0aBcDeFgHiJkLmNoPqRsTuVwXyZ0';

describe('P13 mail', () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const item of open.splice(0).reverse()) await item.close();
  });

  async function catcher(options: SMTPServerOptions & { port?: number } = {}): Promise<MailCatcher> {
    const server = await startMailCatcher(options);
    open.push(server);
    return server;
  }

  async function instance(mailUrl: string | undefined, options: TestAppOptions = {}): Promise<TestApp> {
    const tenon = await startApp({
      ...options,
      env: {
        MAIL_URL: mailUrl,
        MAIL_FROM: 'Tenon <no-reply@tenon.test>',
        APP_URL: 'https://app.tenon.test',
        ...options.env,
      },
    });
    open.push(tenon);
    return tenon;
  }

  /** Sends as a request would: in a transaction of the application's role. */
  const send = (tenon: TestApp, to: string, name = 'Kim', options = {}): Promise<string> =>
    tenon.app
      .get(EntityManager)
      .fork()
      .transactional(async () =>
        tenon.app.get(MailService).send('verify-email', to, { name, token: TOKEN, expiresInMinutes: 1440 }, options),
      );

  const row = async ({ db }: TestApp, id: string): Promise<Row> =>
    (await db.sql.query<Row>('select * from outbox where id = $1', [id])).rows[0]!;
  const statusOf = (tenon: TestApp, id: string) => async (): Promise<unknown> => (await row(tenon, id)).status;

  it('goes through SMTP, once, as text and HTML, with a link of APP_URL', async () => {
    const smtp = await catcher();
    const tenon = await instance(smtp.url);
    const id = await send(tenon, 'kim@x.test');
    await expect.poll(statusOf(tenon, id)).toBe('sent');
    expect(smtp.mails).toHaveLength(1);
    const [mail] = smtp.mails;
    expect(mail).toMatchObject({
      recipients: ['kim@x.test'],
      from: { name: 'Tenon', address: 'no-reply@tenon.test' },
      to: [{ address: 'kim@x.test' }],
      subject: 'Confirm your e-mail address',
      messageId: `<${id}@tenon.test>`,
    });
    expect(mail!.headers).toContainEqual(expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }));
    expect(mail!.date).toBeTruthy();
    for (const part of [mail!.text, mail!.html])
      expect(part).toContain(`https://app.tenon.test/verify-email?token=${TOKEN}`);
  });

  it('case 12: no token is left in outbox or queue, before or after', async () => {
    const smtp = await catcher();
    const tenon = await instance(smtp.url);
    const everything = async (): Promise<string> =>
      JSON.stringify([
        (await tenon.db.sql.query('select * from outbox')).rows,
        (await tenon.db.sql.query('select * from bullmq.job')).rows,
        (await tenon.db.sql.query('select * from bullmq.event')).rows,
      ]);
    const id = await send(tenon, 'kim@x.test');
    expect(await everything()).not.toContain(TOKEN);
    await expect.poll(statusOf(tenon, id)).toBe('sent');
    expect(await everything()).not.toContain(TOKEN);
    expect((await row(tenon, id)).payload).toBeNull();
  });

  it('case 11: names make no header, no markup and no link', async () => {
    const smtp = await catcher();
    const tenon = await instance(smtp.url);
    await send(
      tenon,
      'kim@x.test',
      'Kim\r\nBcc: all@evil.example\r\n\r\n<script>alert(1)</script> Visit https://evil.example',
    );
    await expect.poll(() => smtp.mails).toHaveLength(1);
    const [mail] = smtp.mails;
    expect(mail!.recipients).toEqual(['kim@x.test']);
    expect(mail!.headers.map(({ key }) => key)).not.toContain('bcc');
    expect(mail!.html).not.toContain('<script');
    expect(mail!.html!.match(/<a /g)).toHaveLength(1);
    for (const part of [mail!.text, mail!.html]) expect(part).not.toMatch(/evil\.example|https:\/\/evil/);
  });

  it('case 11: an address is one address', async () => {
    const tenon = await instance(undefined);
    for (const to of [
      'kim@x.test\r\nBcc: all@evil.example',
      'kim@x.test, all@evil.example',
      'kim@x.test,all@evil.example',
      'nobody',
    ])
      await expect(send(tenon, to)).rejects.toThrow('Not an address');
  });

  it('P13: the server is down: everything waits, health says so, nothing is lost and nothing goes twice', async () => {
    const port = await freePort();
    const tenon = await instance(`smtp://127.0.0.1:${port}`);
    const ids = await Promise.all(Array.from({ length: 5 }, (_, index) => send(tenon, `p${index}@x.test`)));
    const health = tenon.app.get(MailHealth);
    await expect.poll(async () => (await health.state()).reachable).toBe(false);
    expect(await health.state()).toMatchObject({ pending: 5, lastSuccessAt: null });
    await expect.poll(async () => (await row(tenon, ids[0]!)).last_error).toMatch(/ECONNREFUSED/);
    const smtp = await catcher({ port });
    for (const id of ids) await expect.poll(statusOf(tenon, id)).toBe('sent');
    expect(smtp.mails.map(({ recipients }) => recipients[0]).sort()).toEqual(ids.map((_, index) => `p${index}@x.test`));
    expect(await health.state()).toMatchObject({ reachable: true, pending: 0 });
  });

  it('P13: a server that is busy (4xx) is asked again, with the same Message-ID', async () => {
    const seen: string[] = [];
    let refusals = 2;
    const smtp = await catcher({
      onData(stream, _session, done) {
        let raw = '';
        stream.on('data', (chunk: Buffer) => (raw += chunk.toString()));
        stream.on('end', () => {
          seen.push(/^Message-ID: (.*)$/im.exec(raw)![1]!.trim());
          done(refusals-- > 0 ? smtpError(451, '4.7.1 Greylisted, try again') : null);
        });
      },
    });
    const tenon = await instance(smtp.url);
    const id = await send(tenon, 'kim@x.test');
    await expect.poll(statusOf(tenon, id)).toBe('sent');
    expect(seen).toEqual(Array.from({ length: 3 }, () => `<${id}@tenon.test>`));
    expect(await row(tenon, id)).toMatchObject({ attempts: 2 });
  });

  it('P13: a refused recipient (5xx) is given up at once with the reason, and others get theirs', async () => {
    const smtp = await catcher({
      onRcptTo: ({ address }, _session, done) =>
        done(address.startsWith('nobody') ? smtpError(550, '5.1.1 No such mailbox') : null),
    });
    const tenon = await instance(smtp.url);
    const [refused, fine] = [await send(tenon, 'nobody@x.test'), await send(tenon, 'kim@x.test')];
    await expect.poll(statusOf(tenon, refused)).toBe('failed');
    await expect.poll(statusOf(tenon, fine)).toBe('sent');
    expect(await row(tenon, refused)).toMatchObject({
      attempts: 1,
      last_error: expect.stringContaining('No such mailbox'),
    });
  });

  it('case 12: a wrong password in MAIL_URL is a matter of configuration: mails wait, and no error names it', async () => {
    const smtp = await catcher({
      authOptional: false,
      authMethods: ['PLAIN', 'LOGIN'],
      onAuth: ({ username, password }, _session, done) =>
        done(smtpError(535, `5.7.8 ${username} ${password} is wrong`)),
    });
    const tenon = await instance(smtp.url.replace('smtp://', 'smtp://mailer:hunter-of-mails@'));
    const id = await send(tenon, 'kim@x.test');
    await expect.poll(async () => (await row(tenon, id)).attempts).toBeGreaterThan(0);
    const stored = await row(tenon, id);
    expect(stored).toMatchObject({ status: 'pending', last_error: expect.stringContaining('refused the login') });
    expect(JSON.stringify(stored)).not.toContain('hunter-of-mails');
  });

  it('two instances send each mail once, and one of several with the same key', async () => {
    const smtp = await catcher();
    const db = await createDatabase();
    open.push({ close: () => db.drop() });
    const instances = [await instance(smtp.url, { db }), await instance(smtp.url, { db })];
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, index) => send(instances[index % 2]!, `p${index}@x.test`)),
    );
    const same = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        send(instances[index % 2]!, 'once@x.test', 'Kim', { dedupeKey: 'reset of kim' }),
      ),
    );
    for (const id of [...ids, ...same]) await expect.poll(statusOf(instances[0]!, id)).not.toBe('pending');
    expect(smtp.to('once@x.test')).toHaveLength(1);
    expect(smtp.mails).toHaveLength(21);
    expect(new Set(smtp.mails.map(({ messageId }) => messageId)).size).toBe(21);
  });

  it('without MAIL_URL mails are kept and can be read by the admin', async () => {
    const tenon = await instance(undefined);
    const ids = [await send(tenon, 'kim@x.test'), await send(tenon, 'lee@x.test'), await send(tenon, 'kim@x.test')];
    for (const id of ids) await expect.poll(statusOf(tenon, id)).toBe('kept');
    const mails = tenon.app.get(MailsQueries);
    const { data, meta } = await mails.list({ limit: 50, to: 'kim@x.test', status: 'kept', template: 'verify-email' });
    expect(meta).toEqual({ nextCursor: null, hasNext: false });
    expect(data.map(({ id }) => id)).toEqual([ids[2], ids[0]]);
    expect(data[0]).toMatchObject({
      to: 'kim@x.test',
      template: 'verify-email',
      subject: 'Confirm your e-mail address',
      links: [`https://app.tenon.test/verify-email?token=${TOKEN}`],
      sentAt: null,
    });
    expect(data[0]!.text).toContain('Hello Kim,');

    const first = await mails.list({ limit: 2 });
    expect(first.data.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    const second = await mails.list({ limit: 2, cursor: first.meta.nextCursor! });
    expect(second.data.map(({ id }) => id)).toEqual([ids[0]]);

    await tenon.http.get('/api/v1/admin/mails').expect(401);
    const { body: session } = await tenon.http.post('/api/v1/auth/login').send(ADMIN).expect(200);
    const list = (query: string) =>
      tenon.http.get(`/api/v1/admin/mails${query}`).auth(session.accessToken, { type: 'bearer' });
    expect((await list('?to=lee@x.test').expect(200)).body.data.map(({ id }: { id: string }) => id)).toEqual([ids[1]]);
    for (const query of ['?status=x', '?template=x', '?to=a%00b', '?to=a&to=b', '?cursor=zz', '?limit=0'])
      await list(query).expect(400);
  });

  it('case 12: in production nobody but the recipient reads a mail', async () => {
    const tenon = await instance(`smtp://127.0.0.1:${await freePort()}`, {
      env: {
        NODE_ENV: 'production',
        PUBLIC_URL: 'https://app.tenon.test',
        SECRET_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64')}`,
        RATE_LIMITS: 'on',
        LOG_LEVEL: 'silent',
      },
    });
    await send(tenon, 'kim@x.test');
    const { data } = await tenon.app.get(MailsQueries).list({ limit: 50 });
    expect(data).toMatchObject([{ to: 'kim@x.test', subject: 'Confirm your e-mail address' }]);
    expect(JSON.stringify(data)).not.toContain(TOKEN);
    expect(data[0]).not.toHaveProperty('text');
  });
});
