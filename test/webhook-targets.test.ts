import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadEnv } from '../config/env.js';
import { describeFailure } from '../src/webhooks/sending/failure.js';
import { post } from '../src/webhooks/sending/post.js';
import { type Target, Targets } from '../src/webhooks/sending/target.js';
import { startApp, type TestApp } from './harness/app.js';
import { type DnsServer, startDnsServer } from './harness/dns.js';
import { type Person, signInAdmin } from './harness/people.js';
import { type Receiver, startReceiver } from './harness/receiver.js';
import { startMailCatcher } from './harness/smtp.js';

const WEBHOOKS = '/api/v1/webhooks';
/** Public, and nobody's that a test would reach: no request is made to it. */
const PUBLIC = '1.1.1.1';

let dns: DnsServer;
let receiver: Receiver;
let tenon: TestApp;
let admin: Person;
beforeAll(async () => {
  [dns, receiver] = [await startDnsServer(), await startReceiver()];
  tenon = await startApp({ env: { DNS_SERVERS: dns.address } });
  admin = await signInAdmin(tenon);
});
afterAll(async () => {
  await tenon.close();
  await Promise.all([receiver.close(), dns.close()]);
});
beforeEach(() => {
  receiver.received.length = 0;
  receiver.answer = (response) => response.writeHead(204).end();
  dns.asked.length = 0;
});

const a = (name: string, ...addresses: string[]) =>
  dns.zones.set(name, {
    other: addresses.map((data) => ({ type: data.includes(':') ? 'AAAA' : 'A', name, ttl: 0, data })),
  });
const make = (url: string) =>
  tenon.http
    .post(WEBHOOKS)
    .set(admin.auth)
    .send({ url, eventTypes: ['domain.lapsed'] });
/** What a try of its test came to. */
const tried = async (id: string): Promise<unknown> => {
  await tenon.http.post(`${WEBHOOKS}/${id}/test`).set(admin.auth).expect(202);
  let attempts: unknown[] = [];
  await expect
    .poll(async () => {
      const { body } = await tenon.http.get(`${WEBHOOKS}/${id}/deliveries?limit=1`).set(admin.auth).expect(200);
      return (attempts = body.data[0].attempts).length;
    })
    .toBeGreaterThan(0);
  return attempts[0];
};
const targetAt = (url: string, address = '127.0.0.1'): Target => ({
  url: new URL(url),
  addresses: [{ address, family: 4 }],
  isPublic: false,
});
const send = (target: Target, signal = AbortSignal.timeout(5_000)) => post(target, {}, '{}', signal);

/** It says that a name did not resolve, and not whether it did. */
const NAME_REFUSED = 'The name of the host does not resolve, or not to public addresses alone';

describe('P16 no requests to private addresses', () => {
  it.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://①②⑦.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fd00:ec2::254]/latest/meta-data',
    'https://169.254.169.254/latest/meta-data',
    'https://100.100.100.200/',
    'https://168.63.129.16/',
    'https://0.0.0.0/',
  ])('%s is refused before anything is asked or sent', async (url) => {
    const { body } = await make(url).expect(400);
    expect(body.errors).toEqual([{ field: 'url', code: 'url_refused', message: 'The host has no public address' }]);
    expect(dns.asked).toEqual([]);
  });

  it.each(['https://localhost/', 'https://LOCALHOST./', 'https://a.localhost/'])(
    '%s is refused without asking DNS',
    async (url) => {
      const { body } = await make(url).expect(400);
      expect(body.errors).toEqual([{ field: 'url', code: 'url_refused', message: NAME_REFUSED }]);
      expect(dns.asked).toEqual([]);
    },
  );

  it('by http nothing is sent, nor to other schemes', async () => {
    for (const url of [`http://${PUBLIC}/`, 'ftp://1.1.1.1/', 'gopher://1.1.1.1/', 'javascript:alert(1)'])
      expect((await make(url).expect(400)).body.errors[0].message).toBe('The address has to begin with https://');
  });

  it('a name that leads into a network is refused with the words for one that does not exist', async () => {
    a('internal.example', '10.0.0.1');
    a('mixed.example', PUBLIC, '127.0.0.1');
    a('six.example', 'fd00::1');
    dns.zones.set('alias.example', {
      other: [
        { type: 'CNAME', name: 'alias.example', data: 'db.example' },
        { type: 'A', name: 'db.example', ttl: 0, data: '192.168.0.7' },
      ],
    });
    const answers = [];
    for (const name of ['nowhere', 'internal', 'mixed', 'six', 'alias']) {
      const { requestId: _, ...body } = (await make(`https://${name}.example/`).expect(400)).body as {
        requestId: string;
      };
      answers.push(body);
    }
    expect(new Set(answers.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(answers[0]).toMatchObject({ errors: [{ message: NAME_REFUSED }] });
  });

  it('while DNS does not answer nothing is made', async () => {
    dns.zones.set('broken.example', { fails: 'SERVFAIL' });
    expect((await make('https://broken.example/').expect(502)).body.code).toBe('external_service_failed');
  });

  it('a name that was public when the webhook was made, and is private since, gets no request', async () => {
    a('rebinds.example', PUBLIC);
    const { body } = await make(`https://rebinds.example:${receiver.port}/`).expect(201);
    a('rebinds.example', '127.0.0.1');
    expect(await tried(body.id)).toMatchObject({ status: null, error: NAME_REFUSED, body: null });
    expect(receiver.received).toEqual([]);
    const patched = tenon.http.patch(`${WEBHOOKS}/${body.id}`).set(admin.auth);
    await patched.send({ url: `https://rebinds.example:${receiver.port}/` }).expect(400);
  });

  it('a name is asked for once a request, and what was checked is what is called', async () => {
    const targets = new Targets(loadEnv({ WEBHOOK_TARGETS: 'any', DNS_SERVERS: dns.address }));
    a('once.example', '127.0.0.1');
    const target = await targets.find(`http://once.example:${receiver.port}/hook`);
    expect(dns.asked.map(({ name }) => name)).toEqual(['once.example', 'once.example']);
    // By now it leads elsewhere.
    a('once.example', '127.0.0.9');
    await send(target);
    expect(dns.asked).toHaveLength(2);
    expect(receiver.received).toMatchObject([{ path: '/hook', headers: { host: `once.example:${receiver.port}` } }]);
    // Nor is the system's resolver asked, which knows nothing of it.
    await send(targetAt(`http://nobody.invalid:${receiver.port}/`));
    expect(receiver.received).toHaveLength(2);
  });

  it('a redirect is not followed', async () => {
    receiver.answer = (response) => response.writeHead(307, { location: `${receiver.url}/elsewhere` }).end();
    expect(await send(targetAt(receiver.url))).toMatchObject({ status: 307 });
    expect(receiver.received).toHaveLength(1);
  });
});

describe('P16 what a receiver answers', () => {
  it('is read to its first KiB and no further, without control characters', async () => {
    receiver.answer = (response) => {
      response.writeHead(200);
      const more = (): void => void (response.writable && response.write(Buffer.alloc(65_536, 'é\0'), more));
      more();
    };
    const { status, body } = await send(targetAt(receiver.url));
    expect(status).toBe(200);
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1_026);
    expect(body).not.toMatch(/\0/);
  });

  it('counts by its status, also when the rest of it never comes or breaks off', async () => {
    receiver.answer = (response) => response.writeHead(202).write('half');
    expect(await send(targetAt(receiver.url), AbortSignal.timeout(200))).toMatchObject({ status: 202, body: 'half' });
    receiver.answer = (response) => {
      response.writeHead(202, { 'content-length': 100 }).write('half');
      setTimeout(() => response.destroy(), 20);
    };
    expect(await send(targetAt(receiver.url))).toMatchObject({ status: 202, body: 'half' });
  });

  const failing = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'no failure',
      (error: unknown) => describeFailure(error),
    );

  it('that there was none is said in our words', async () => {
    receiver.answer = () => undefined;
    expect(await failing(send(targetAt(receiver.url), AbortSignal.timeout(50)))).toBe('No answer in time');
    receiver.answer = (response) => response.destroy();
    expect(await failing(send(targetAt(receiver.url)))).toBe('The connection was closed before there was an answer');
    receiver.answer = (response) => response.socket!.end('SSH-2.0-OpenSSH_9.9\r\n');
    expect(await failing(send(targetAt(receiver.url)))).toBe('The answer was no HTTP');
    receiver.answer = (response) => response.writeHead(101, { connection: 'upgrade', upgrade: 'x' }).end();
    expect(await failing(send(targetAt(receiver.url)))).not.toBe('no failure');
    const { port } = receiver;
    expect(await failing(send(targetAt(`https://127.0.0.1:${port}`)))).toBe(
      'The certificate, or the encryption, is not right',
    );
    const gone = await startReceiver();
    await gone.close();
    expect(await failing(send(targetAt(gone.url)))).toBe('The connection was refused');
  });

  it('is asked for under a certificate that is right, and for the name', async () => {
    // Any server of TLS will do: it has one that it signed itself.
    const secure = await startMailCatcher({ secure: true });
    const target = targetAt(`https://hooks.example.com:${secure.port}`);
    expect(await failing(send(target))).toBe('The certificate, or the encryption, is not right');
    await secure.close();
  });
});
