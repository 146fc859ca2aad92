import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN, PASSWORD, type TestApp } from './app.js';

/** Somebody with an account, signed in. */
export interface Person {
  userId: string;
  email: string;
  password: string;
  accessToken: string;
  refreshToken: string;
  /** The headers that show who they are. */
  auth: { authorization: string };
}

/** An address that nobody else uses. */
export function newEmail(name = 'person'): string {
  return `${name}.${randomBytes(4).toString('hex')}@example.com`;
}

/** Signs in by password; fails the test when it does not work. */
export async function signIn(tenon: TestApp, email: string, password: string = PASSWORD): Promise<Person> {
  const { body } = await tenon.http.post('/api/v1/auth/login').send({ email, password }).expect(200);
  return {
    userId: body.user.id,
    email,
    password,
    accessToken: body.accessToken,
    refreshToken: body.refreshToken,
    auth: { authorization: `Bearer ${body.accessToken}` },
  };
}

/** The platform admin of the installation, signed in. */
export function signInAdmin(tenon: TestApp): Promise<Person> {
  return signIn(tenon, ADMIN.email, ADMIN.password);
}

/** Registers, verifies and signs in a person, all over HTTP. */
export async function newPerson(
  tenon: TestApp,
  {
    email = newEmail(),
    password = PASSWORD,
    fullName = 'Ada Lovelace',
    organizationName,
  }: Partial<Person> & { fullName?: string; organizationName?: string } = {},
): Promise<Person> {
  await tenon.http.post('/api/v1/auth/register').send({ email, password, fullName, organizationName }).expect(201);
  const token = await mailedToken(tenon, email, 'verify-email');
  await tenon.http.post('/api/v1/auth/verify-email').send({ token }).expect(200);
  return signIn(tenon, email, password);
}

/** A mail as the admin's list shows it. */
export interface ListedMail {
  id: string;
  to: string;
  template: string;
  subject: string;
  status: string;
  text: string;
  html: string;
}

/** The kept mails to an address, newest first. Needs an application without MAIL_URL. */
export async function mailsTo(tenon: TestApp, email: string, template?: string): Promise<ListedMail[]> {
  const admin = await adminOf(tenon);
  const { body } = await tenon.http
    .get('/api/v1/admin/mails')
    .query({ to: email, template })
    .set(admin.auth)
    .expect(200);
  return body.data as ListedMail[];
}

/** Waits for a mail, which a job sends after the request's commit. */
export async function mailTo(tenon: TestApp, email: string, template: string): Promise<ListedMail> {
  for (let tries = 0; tries < 200; tries += 1) {
    // Not an older one while the newest is still on its way.
    const [newest] = await mailsTo(tenon, email, template);
    if (newest && newest.status !== 'pending') return newest;
    await sleep(50);
  }
  throw new Error(`No mail "${template}" to ${email} came`);
}

/** The token of the link in the newest mail of a kind. */
export async function mailedToken(tenon: TestApp, email: string, template: string): Promise<string> {
  return tokenIn((await mailTo(tenon, email, template)).text);
}

/** The token of the link in a mail's text. */
export function tokenIn(text: string): string {
  const token = /[?&]token=([A-Za-z0-9_-]+)/.exec(text)?.[1];
  if (!token) throw new Error('The mail holds no link with a token');
  return token;
}

const admins = new WeakMap<TestApp, Promise<Person>>();

function adminOf(tenon: TestApp): Promise<Person> {
  let admin = admins.get(tenon);
  if (!admin) admins.set(tenon, (admin = signInAdmin(tenon)));
  return admin;
}
