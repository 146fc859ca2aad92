import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../harness/port.js';
import { type MailCatcher, type ReceivedMail, startMailCatcher } from '../harness/smtp.js';
import { HOST, launchChromium } from './chromium.js';
import { launch, listening, printedAdmin, type ServerProcess, stop } from './server.js';

const PASSWORD = 'correct horse battery staple';
const OTHER_PASSWORD = 'nine brown owls sat quite still';
const MARKUP = '<img src=x onerror=alert(1)><script>alert(2)</script>';

let dataDir: string;
let smtp: MailCatcher;
let server: ServerProcess;
let http: ReturnType<typeof supertest>;
let base: string;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What the browser complained of: blocked by a policy, an uncaught error, a dialog that markup opened. */
let complaints: string[];
/** Methods of the requests that the page made. */
let methods: string[];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tenon-browser-'));
  // Open to the user that PostgreSQL runs as where this is root: the cluster then stays in here.
  await chmod(dataDir, 0o755);
  smtp = await startMailCatcher();
  browser = await launchChromium();
  const port = await freePort();
  base = `http://${HOST}:${port}`;
  http = supertest(`http://127.0.0.1:${port}`);
  server = await listening(
    launch(process.execPath, ['scripts/run.mjs', 'src/main'], {
      cwd: process.cwd(),
      env: { PORT: String(port), PUBLIC_URL: base, DATA_DIR: dataDir, MAIL_URL: smtp.url },
    }),
  );
});
afterAll(async () => {
  if (server) await stop(server);
  await browser?.close();
  await smtp?.close();
  await rm(dataDir, { recursive: true, force: true });
});

beforeEach(async () => {
  await open({ viewport: { width: 1200, height: 900 } });
});
afterEach(() => context.close());

async function open(options: Parameters<Browser['newContext']>[0]): Promise<void> {
  await context?.close();
  context = await browser.newContext(options);
  page = await context.newPage();
  // Beside the suite on PostgreSQL 15, 30 s, the default, have been too short for a click.
  page.setDefaultTimeout(120_000);
  complaints = [];
  methods = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    if (/content security policy|trusted/i.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => methods.push(request.method()));
}

let people = 0;
const newAddress = (): string => `person${++people}@example.com`;

/** The mail to an address whose text holds the link to a page. */
async function mailTo(address: string, linkTo: string): Promise<ReceivedMail> {
  for (;;) {
    const mail = smtp.to(address).find(({ text }) => text?.includes(`/${linkTo}?`));
    if (mail) return mail;
    await sleep(50);
  }
}

function linkIn({ text = '' }: ReceivedMail): string {
  const link = /^http\S+\?token=\S+$/m.exec(text)?.[0];
  if (!link) throw new Error(`No link in:\n${text}`);
  return link;
}

async function register(email: string, fullName = 'Ada Lovelace', organizationName?: string): Promise<string> {
  await http.post('/api/v1/auth/register').send({ email, password: PASSWORD, fullName, organizationName }).expect(201);
  return linkIn(await mailTo(email, 'verify-email'));
}

async function newPerson(organizationName?: string): Promise<{ email: string; auth: { authorization: string } }> {
  const email = newAddress();
  const token = new URL(await register(email, undefined, organizationName)).searchParams.get('token');
  await http.post('/api/v1/auth/verify-email').send({ token }).expect(200);
  return { email, auth: await signIn(email) };
}

async function signIn(email: string, password = PASSWORD): Promise<{ authorization: string }> {
  const { body } = await http.post('/api/v1/auth/login').send({ email, password }).expect(200);
  return { authorization: `Bearer ${body.accessToken}` };
}

const login = (email: string, password: string) => http.post('/api/v1/auth/login').send({ email, password });
const button = (name: string) => page.getByRole('button', { name });
const outcome = () => page.locator('#outcome');

/** Opens a link as a person does, and sees that the page keeps its token to itself and has asked nothing more. */
async function follow(link: string, asked = ['GET']): Promise<void> {
  expect(link.startsWith(`${base}/`)).toBe(true);
  const token = new URL(link).searchParams.get('token')!;
  const response = await page.goto(link, { waitUntil: 'networkidle' });
  expect(response!.status()).toBe(200);
  expect(await response!.text()).not.toContain(token);
  expect(page.url()).toBe(link.split('?')[0]);
  expect(await page.content()).not.toContain(token);
  expect([...new Set(methods)].toSorted()).toEqual(asked);
}

describe('P3 Swagger UI', () => {
  it('lets the printed admin sign in and try calls, on plain HTTP and a host that is not loopback', async () => {
    const admin = printedAdmin(server.output());
    await page.goto(`${base}/docs`);
    const tags = page.locator('.opblock-tag');
    await tags.first().waitFor();
    expect(await tags.first().getAttribute('data-tag')).toBe('Sign-in');

    const me = await tryCall('GET', '/api/v1/users/me');
    expect(me).toMatchObject({ status: 401, body: { code: 'authentication_required' } });

    const signedIn = await tryCall('POST', '/api/v1/auth/login', admin);
    expect(signedIn.status).toBe(200);
    await button('Authorize').first().click();
    const dialog = page.locator('.modal-ux');
    // The other one takes an API key.
    const bearer = dialog.locator('.auth-container', { hasText: 'bearer' });
    await bearer.locator('input').fill(signedIn.body.accessToken as string);
    await bearer.getByRole('button', { name: 'Apply credentials' }).click();
    await bearer.locator('.btn-done').click();

    expect(await tryCall('GET', '/api/v1/users/me')).toMatchObject({ status: 200, body: { email: admin.email } });
    expect(await tryCall('GET', '/api/v1/admin/users')).toMatchObject({ status: 200, body: { meta: { page: 1 } } });
    expect(complaints).toEqual([]);
  });

  /**
   * Swagger UI draws only what is near the window: goes down from the top until an operation is there, and again and more
   * slowly where the machine was too busy to draw what was passed.
   */
  async function lookFor(block: Locator): Promise<void> {
    for (let pauseMs = 100; ; pauseMs *= 2) {
      await page.evaluate('scrollTo(0, 0)');
      for (let last = -1, at = 0; at !== last; last = at, at = Number(await page.evaluate('scrollY'))) {
        await page.waitForTimeout(pauseMs);
        if ((await block.count()) > 0) return;
        await page.mouse.wheel(0, 1_000);
        await page.waitForTimeout(pauseMs);
      }
    }
  }

  /** Executes an operation in Swagger UI; gives what it shows. */
  async function tryCall(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const operation = page.locator('.opblock').filter({
      has: page.locator('.opblock-summary-method', { hasText: new RegExp(`^${method}$`) }),
    });
    const block = operation.filter({ has: page.locator(`[data-path="${path}"]`) });
    await lookFor(block);
    if (!(await block.locator('.execute').isVisible())) await block.locator('.opblock-summary-control').click();
    if (body) await block.locator('textarea.body-param__text').fill(JSON.stringify(body));
    const [response] = await Promise.all([
      page.waitForResponse((answer) => new URL(answer.url()).pathname === path && answer.request().method() === method),
      block.locator('.execute').click(),
    ]);
    const shown = block.locator('.live-responses-table .response');
    await shown.locator('.response-col_status', { hasText: String(response.status()) }).waitFor();
    return { status: response.status(), body: JSON.parse(await shown.locator('code').first().innerText()) };
  }
});

describe('C12 job board', () => {
  it('lets the printed admin in by its own page, and shows queues, workers and schedules', async () => {
    const admin = printedAdmin(server.output());
    await page.goto(`${base}/admin/jobs`);
    expect(page.url()).toBe(`${base}/admin/jobs/sign-in`);
    await page.getByLabel('mail address').fill(admin.email);
    await page.getByLabel('Password').fill('not it');
    await button('Sign in').click();
    await page.getByRole('alert').getByText(/\S/).waitFor();
    await page.getByLabel('Password').fill(admin.password);
    await button('Sign in').click();
    await page.waitForURL(`${base}/admin/jobs`);
    await page.getByText('schedules').first().click();
    await page.waitForURL(/\/queue\/schedules/);
    await page.getByText('Delayed').first().click();
    await page.getByText('signing-keys').first().waitFor();
    expect(complaints).toEqual([]);
    expect(await page.evaluate('document.cookie')).toBe('');
  });
});

describe('C6 the page that the mail of a report leads to', () => {
  it('shows the report to a platform admin, narrow as wide, and signs out again', async () => {
    const admin = printedAdmin(server.output());
    const auth = await signIn(admin.email, admin.password);
    const sessions = async () => (await http.get('/api/v1/auth/sessions').set(auth).expect(200)).body.meta.total;
    const before = await sessions();
    await http.post('/api/v1/admin/cleanup/generate-report?report_type=daily').set(auth).expect(202);
    const { text } = await mailTo(admin.email, 'cleanup-report');
    await page.setViewportSize({ width: 400, height: 800 });
    await page.goto(/http\S+\/cleanup-report\?id=\S+/.exec(text!)![0]);
    await page.getByLabel('mail address').fill(admin.email);
    await page.getByLabel('Password').fill(admin.password);
    await button('Show the report').click();
    const report = page.frameLocator('iframe');
    await report.getByRole('heading', { name: 'The cleanup of the last day' }).waitFor();
    expect(await report.locator('html').evaluate((html) => html.scrollWidth)).toBeLessThanOrEqual(400);
    expect(complaints).toEqual([]);
    await expect.poll(sessions).toBe(before);
  });
});

describe('A2 the page that verifies an address', () => {
  it('changes nothing before the click; then the person can sign in', async () => {
    const email = newAddress();
    await follow(await register(email));
    expect((await login(email, PASSWORD).expect(403)).body.code).toBe('email_not_verified');
    await button('Confirm the address').click();
    await outcome().getByText('Your address is confirmed').waitFor();
    expect(await button('Confirm the address').count()).toBe(0);
    await login(email, PASSWORD).expect(200);
    expect(complaints).toEqual([]);
  });

  it('says that a used link does not work any more', async () => {
    const link = await register(newAddress());
    await http
      .post('/api/v1/auth/verify-email')
      .send({ token: new URL(link).searchParams.get('token') })
      .expect(200);
    await follow(link);
    await button('Confirm the address').click();
    await outcome().getByText('This link does not work any more').waitFor();
  });

  it('says that a link without its token is not complete', async () => {
    await page.goto(`${base}/verify-email`);
    await outcome().getByText('The link is not complete').waitFor();
    expect(await page.locator('form').isVisible()).toBe(false);
  });

  it('keeps the button while the server does not answer, or asks to wait', async () => {
    const email = newAddress();
    await follow(await register(email));
    await page.route('**/api/**', (route) => route.abort());
    await button('Confirm the address').click();
    await outcome().getByText('The server does not answer').waitFor();
    await page.unroute('**/api/**');
    await page.route('**/api/**', (route) =>
      route.fulfill({ status: 429, headers: { 'retry-after': '90' }, json: { code: 'rate_limit_exceeded' } }),
    );
    await button('Confirm the address').click();
    await outcome().getByText('90 seconds').waitFor();
    await page.unroute('**/api/**');
    await button('Confirm the address').click();
    await outcome().getByText('Your address is confirmed').waitFor();
    await login(email, PASSWORD).expect(200);
  });

  it('works by keyboard alone on a phone, and tells the result where a screen reader hears it', async () => {
    await open({ viewport: { width: 320, height: 640 }, colorScheme: 'dark' });
    await follow(await register(newAddress()));
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(overflow)).toBe(0);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const status = page.getByRole('status');
    await status.getByRole('heading', { name: 'Your address is confirmed' }).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('outcome');
    expect(await page.evaluate(overflow)).toBe(0);
  });

  it('says without JavaScript what is needed', async () => {
    await open({ javaScriptEnabled: false });
    await page.goto(`${base}/verify-email?token=abc`);
    await page.getByText('This page needs JavaScript').waitFor();
    expect(await page.locator('form').isVisible()).toBe(false);
  });
});

describe('A6 the page that sets a new password', () => {
  it('tells why a password is refused, and sets a good one; every session ends', async () => {
    const { email, auth } = await newPerson();
    await http.post('/api/v1/auth/password/forgot').send({ email }).expect(202);
    const link = linkIn(await mailTo(email, 'reset-password'));
    await follow(link);
    await http.get('/api/v1/users/me').set(auth).expect(200);
    const first = page.getByLabel('New password');
    const again = page.getByLabel('The same password again');
    expect(await page.getByText('At least 15 characters').isVisible()).toBe(true);

    await first.fill('password1');
    await again.fill('password1');
    await button('Set the new password').click();
    await page.getByRole('alert').getByText('The password needs at least 15 characters').waitFor();
    expect(await first.getAttribute('aria-invalid')).toBe('true');

    await first.fill(OTHER_PASSWORD);
    await button('Set the new password').click();
    await page.getByRole('alert').getByText('The two passwords are not the same').waitFor();
    expect(await first.getAttribute('type')).toBe('password');
    await page.getByLabel('Show what I type').check();
    expect(await first.getAttribute('type')).toBe('text');
    await login(email, PASSWORD).expect(200);

    await again.fill(OTHER_PASSWORD);
    await page.keyboard.press('Enter');
    await outcome().getByText('Your new password is set').waitFor();
    await login(email, OTHER_PASSWORD).expect(200);
    await login(email, PASSWORD).expect(401);
    await http.get('/api/v1/users/me').set(auth).expect(401);

    methods = [];
    await follow(link);
    await first.fill(OTHER_PASSWORD);
    await again.fill(OTHER_PASSWORD);
    await button('Set the new password').click();
    await outcome().getByText('This link does not work any more').waitFor();
    expect(complaints).toEqual([]);
  });
});

describe('A10 the pages that confirm and undo a change of the address', () => {
  it('confirms the new address by a click, and gives the old one back by another', async () => {
    const { email, auth } = await newPerson();
    const newEmail = newAddress();
    await http
      .post('/api/v1/users/me/email')
      .set(auth)
      .send({ email: newEmail, currentPassword: PASSWORD })
      .expect(202);

    await follow(linkIn(await mailTo(newEmail, 'confirm-email-change')));
    await login(newEmail, PASSWORD).expect(401);
    await button('Confirm the new address').click();
    await outcome().getByText('Your new address is confirmed').waitFor();
    const newAuth = await signIn(newEmail);

    methods = [];
    await follow(linkIn(await mailTo(email, 'undo-email-change')));
    await http.get('/api/v1/users/me').set(newAuth).expect(200);
    await button('Undo the change').click();
    await outcome().getByText('The change is undone').waitFor();
    await http.get('/api/v1/users/me').set(newAuth).expect(401);
    await login(newEmail, PASSWORD).expect(401);
    await login(email, PASSWORD).expect(200);
    expect(complaints).toEqual([]);
  });
});

describe('O4 the page that accepts an invitation', () => {
  const ORGANIZATION = `Acme ${MARKUP}`;
  /** The preview is asked for at once: it says which fields there are, and changes nothing. */
  const ASKED = ['GET', 'POST'];
  let invitations: string;
  let owner: { authorization: string };

  beforeAll(async () => {
    ({ auth: owner } = await newPerson(ORGANIZATION));
    const { body } = await http.get('/api/v1/organizations').set(owner).expect(200);
    invitations = `/api/v1/organizations/${body.data[0].id}/invitations`;
  });

  async function invite(email: string, role: string): Promise<{ id: string; link: string }> {
    const { body } = await http.post(invitations).set(owner).send({ email, role }).expect(201);
    return { id: body.id, link: linkIn(await mailTo(email, 'accept-invitation')) };
  }

  const memberships = async (auth: { authorization: string }) =>
    (await http.get('/api/v1/organizations').set(auth).expect(200)).body.data;

  it('asks somebody new for name and password, and makes them a member', async () => {
    const email = newAddress();
    const { link } = await invite(email, 'admin');
    await follow(link, ASKED);
    await page.getByText(`You are invited to join ${ORGANIZATION} as admin.`).waitFor();
    expect(await page.locator('main').locator('img, script').count()).toBe(0);
    expect(await page.getByLabel(/^E.mail address$/).inputValue()).toBe(email);

    await button('Join').click();
    await page.getByRole('alert').getByText('Enter your name').waitFor();
    await page.getByLabel('Your name').fill('Grace Hopper');
    await page.getByLabel('New password').fill('password1');
    await page.getByLabel('The same password again').fill('password1');
    await button('Join').click();
    await page.getByRole('alert').getByText('The password needs at least 15 characters').waitFor();
    await page.getByLabel('New password').fill(PASSWORD);
    await page.getByLabel('The same password again').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await outcome().getByText('You have joined').waitFor();
    expect(await outcome().innerText()).toContain(ORGANIZATION);
    expect(await memberships(await signIn(email))).toMatchObject([{ name: ORGANIZATION, role: 'admin' }]);

    methods = [];
    await follow(link, ASKED);
    await outcome().getByText('The invitation was accepted before').waitFor();
    expect(await page.locator('form').count()).toBe(0);
    expect(server.output()).not.toContain(new URL(link).searchParams.get('token'));
    expect(complaints).toEqual([]);
  });

  it('signs somebody with an account in only to join', async () => {
    const { email, auth } = await newPerson();
    await follow((await invite(email, 'viewer')).link, ASKED);
    await page.getByLabel('Your password').fill(OTHER_PASSWORD);
    await button('Join').click();
    await page.getByRole('alert').getByText('The password is wrong').waitFor();
    expect(await memberships(auth)).toEqual([]);
    await page.getByLabel('Your password').fill(PASSWORD);
    await button('Join').click();
    await outcome().getByText('You have joined').waitFor();
    expect(await memberships(auth)).toMatchObject([{ role: 'viewer' }]);
    const { body: sessions } = await http.get('/api/v1/auth/sessions').set(auth).expect(200);
    expect(sessions.data).toMatchObject([{ current: true }]);
    expect(complaints).toEqual([]);
  });

  it('says why a link does not work, before and after it was opened', async () => {
    const { id, link } = await invite(newAddress(), 'member');
    await follow(link, ASKED);
    await http.delete(`${invitations}/${id}`).set(owner).expect(204);
    await page.getByLabel('Your name').fill('Grace Hopper');
    await page.getByLabel('New password').fill(PASSWORD);
    await page.getByLabel('The same password again').fill(PASSWORD);
    await button('Join').click();
    await outcome().getByText('The invitation was withdrawn').waitFor();
    methods = [];
    await follow(link, ASKED);
    await outcome().getByText('The invitation was withdrawn').waitFor();
    expect(complaints).toEqual([]);
  });
});

describe('case 11 a name with HTML', () => {
  it('is text in the mail that a browser shows, and in no page markup', async () => {
    const email = newAddress();
    const link = await register(email, MARKUP, MARKUP);
    const { html } = await mailTo(email, 'verify-email');
    await page.setContent(html!);
    expect(await page.locator('script, img, iframe, object, svg, form').count()).toBe(0);
    expect(await page.locator('body').innerText()).toContain('<img src=x onerror=');
    const links = await page.locator('a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
    expect(links).toEqual([link]);

    await follow(link);
    await button('Confirm the address').click();
    await outcome().getByText('Your address is confirmed').waitFor();
    const { body } = await http
      .get('/api/v1/users/me')
      .set(await signIn(email))
      .expect(200);
    expect(body.fullName).toBe(MARKUP);
    expect(complaints).toEqual([]);
  });
});
