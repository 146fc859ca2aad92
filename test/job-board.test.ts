import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Queues } from '../src/jobs/queues.js';
import { SCHEDULES_QUEUE } from '../src/jobs/schedules.js';
import { newId } from '../src/kernel/ids.js';
import { insertPerson, isSignedIn, type OpenedSession, openSession } from './harness/accounts.js';
import { insertApiKey } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertMember, insertOrganization } from './harness/organizations.js';

const BOARD = '/admin/jobs';
const SESSION = '/api/v1/admin/job-board/session';

let tenon: TestApp;
let admin: OpenedSession & { userId: string };
let cookie: string;
beforeAll(async () => {
  tenon = await startApp();
  const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
  admin = { ...(await openSession(tenon, userId)), userId };
  cookie = await open(admin);
});
afterAll(async () => {
  await tenon.close();
});

async function open({ auth }: Pick<OpenedSession, 'auth'>): Promise<string> {
  const { headers } = await tenon.http.post(SESSION).set(auth).expect(204);
  return headers['set-cookie']![0]!.split(';')[0]!;
}
const look = (path: string, as = cookie) => tenon.http.get(BOARD + path).set({ cookie: as });
const act = (path: string, origin = tenon.url, as = cookie) =>
  tenon.http.put(`${BOARD}/api/queues${path}`).set({ cookie: as, origin });
const queue = () => tenon.app.get(Queues).queue(SCHEDULES_QUEUE);
const entries = async () =>
  (
    await tenon.db.sql.query(
      `select action, target_id as target, after from audit_log where action ~ '^(job|queue)' and user_id = $1 order by id`,
      [admin.userId],
    )
  ).rows;

/** A job that waits for tomorrow. */
const later = () => queue().add('unknown', {}, { jobId: newId(), delay: 24 * 3600 * 1000 });

describe('C12 job board', () => {
  it('shows queues, workers, schedules and jobs to a platform admin', async () => {
    const page = await look('').expect(200);
    expect(page.text).toContain('<title>Tenon jobs</title>');
    expect(page.text).not.toContain('googleapis');
    expect(page.text).toMatch(/<style>[^<]*lucide-trash-2[^<]*display: none/);
    expect(page.text).toContain('"url":"/admin/jobs/sign-out"');
    expect(page.headers['content-security-policy']).toContain("script-src 'self';");
    for (const [, asset] of page.text.matchAll(/(?:href|src)="(static\/[^"]+)"/g)) await look(`/${asset}`).expect(200);
    const queues = async () =>
      (await look('/api/queues?activeQueue=schedules&status=delayed&jobsPerPage=50').expect(200)).body.queues;
    expect((await queues()).map(({ name }: { name: string }) => name)).toEqual(['outbox', 'schedules']);
    // It waits for its next slot, unless that is now.
    await expect
      .poll(async () => (await queues())[1].jobs.map(({ name }: { name: string }) => name))
      .toContain('signing-keys');
    const { workers } = (await look('/api/queues/outbox/workers').expect(200)).body;
    expect(workers).toEqual([
      { id: expect.any(String), name: null, addr: expect.any(String), age: expect.any(Number) },
    ]);
  });

  it('sends whoever is not signed in to the page where they can, and answers scripts with 401', async () => {
    for (const page of ['', '/', '/queue/outbox', '/job-schedulers']) {
      const { headers } = await tenon.http.get(BOARD + page).expect(302);
      expect(headers.location).toBe('/admin/jobs/sign-in');
    }
    await tenon.http.get(`${BOARD}/sign-in`).expect(200).expect('content-type', /html/);
    await tenon.http
      .get(`${BOARD}/sign-in.js`)
      .expect(200)
      .expect('content-type', /javascript/);
    expect((await tenon.http.get(`${BOARD}/api/queues`).expect(401)).body.code).toBe('authentication_required');
    await tenon.http.put(`${BOARD}/api/queues/outbox/pause`).expect(401);
    await look('', 'tenon_job_board=eyJhbGciOiJub25lIn0.e30.').expect(302);
    await look('/api/queues', 'tenon_job_board=x').expect(401);
  });

  it('is for platform admins, by a session', async () => {
    const { organizationId } = await insertOrganization(tenon.db);
    const owner = await insertMember(tenon, organizationId, 'owner');
    await tenon.http.post(SESSION).set(owner.auth).expect(403);
    const token = owner.auth.authorization.slice('Bearer '.length);
    await look('/api/queues', `tenon_job_board=${token}`).expect(403);
    const { auth } = await insertApiKey(tenon.db, organizationId, { userId: owner.userId });
    await tenon.http.post(SESSION).set(auth).expect(403);
    await look('/api/queues', `tenon_job_board=${auth.authorization.slice('Bearer '.length)}`).expect(403);
  });

  it('promotes, removes and tries again; the trail says who did', async () => {
    const [soon, gone] = [await later(), await later()];
    await act(`/schedules/${soon.id}/promote`).expect(204);
    await expect.poll(() => soon.getState()).toBe('completed');
    await act(`/schedules/${soon.id}/retry`).expect(204);
    await expect.poll(async () => (await queue().getJob(soon.id!))?.attemptsStarted).toBe(2);
    await act(`/schedules/${gone.id}/clean`).expect(204);
    expect(await queue().getJob(gone.id!)).toBeUndefined();
    await act('/schedules/pause').expect(200);
    expect(await queue().isPaused()).toBe(true);
    await act('/schedules/resume').expect(200);
    expect(await entries()).toEqual([
      { action: 'job_board.opened', target: null, after: null },
      { action: 'job.promoted', target: `schedules/${soon.id}`, after: null },
      { action: 'job.retried', target: `schedules/${soon.id}`, after: null },
      { action: 'job.removed', target: `schedules/${gone.id}`, after: null },
      { action: 'queue.paused', target: 'schedules', after: null },
      { action: 'queue.resumed', target: 'schedules', after: null },
    ]);
  });

  it('remembers nothing of what it did not do', async () => {
    const before = await entries();
    await act('/nope/pause').expect(404);
    await act(`/schedules/${newId()}/promote`).expect(404);
    const job = await later();
    // It did not fail, and so cannot be tried again.
    expect((await act(`/schedules/${job.id}/retry`)).status).toBeGreaterThanOrEqual(400);
    expect(await entries()).toEqual(before);
  });

  it('case 6: an action whose entry cannot be written does not happen', async () => {
    const job = await later();
    await tenon.db.sql.query(`alter table audit_log add constraint no check (action <> 'job.promoted') not valid`);
    try {
      await act(`/schedules/${job.id}/promote`).expect(500);
    } finally {
      await tenon.db.sql.query('alter table audit_log drop constraint no');
    }
    expect(await job.getState()).toBe('delayed');
  });

  it('refuses what it is not for, and pages of other origins', async () => {
    const job = await later();
    for (const path of [
      '/pause',
      '/schedules/empty',
      '/schedules/obliterate',
      '/schedules/job-schedulers/signing-keys/remove',
      '/schedules/clean/delayed',
    ])
      await act(path).expect(403);
    for (const [method, path] of [
      ['post', '/schedules/add'],
      ['patch', `/schedules/${job.id}/update-data`],
    ] as const)
      await tenon.http[method](`${BOARD}/api/queues${path}`)
        .set({ cookie, origin: tenon.url })
        .send({ name: 'x', data: {} })
        .expect(403);
    for (const origin of ['https://evil.example', 'null', ''])
      await act(`/schedules/${job.id}/clean`, origin).expect(403);
    // In the form of which the board shows that something was refused.
    expect((await act('/schedules/obliterate').expect(403)).body).toMatchObject({
      code: 'permission_denied',
      error: expect.any(String),
      message: 'The board is not for this',
    });
    expect(await job.getState()).toBe('delayed');
  });

  it('its cookie goes to the board alone, no script reads it, and it ends with the session', async () => {
    const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
    const session = await openSession(tenon, userId);
    const { headers } = await tenon.http.post(SESSION).set(session.auth).expect(204);
    expect(headers['set-cookie']![0]).toMatch(
      /^tenon_job_board=[^;]+; Path=\/admin\/jobs; Max-Age=900; HttpOnly; SameSite=Strict$/,
    );
    const own = headers['set-cookie']![0]!.split(';')[0]!;
    await look('/api/queues', own).expect(200);
    // The API does not know it.
    await tenon.http.get('/api/v1/users/me').set({ cookie: own }).expect(401);
    const closed = await tenon.http.delete(SESSION).set(session.auth).expect(204);
    expect(closed.headers['set-cookie']![0]).toContain('tenon_job_board=; Path=/admin/jobs; Max-Age=0');
    // A copy of it opens nothing, and the session stays.
    await look('/api/queues', own).expect(401);
    await look('', own).expect(302);
    await tenon.http.get('/api/v1/users/me').set(session.auth).expect(200);
    await look('/api/queues', await open(session)).expect(200);
    await tenon.http.post('/api/v1/auth/logout').set(session.auth).send({}).expect(204);
    await expect.poll(async () => (await look('/api/queues', own)).status).toBe(401);
  });

  it('opens nothing for a session that has ended, also before this instance has heard of it', async () => {
    const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
    const own = await open(await openSession(tenon, userId));
    await look('/api/queues', own).expect(200);
    await tenon.db.sql.query('update user_sessions set revoked_at = now() where user_id = $1', [userId]);
    await look('/api/queues', own).expect(401);
  });

  it('signing out ends the session and its cookie, unless another site leads there', async () => {
    const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
    const session = await openSession(tenon, userId);
    const own = await open(session);
    const signOut = (site: string) => look('/sign-out', own).set('sec-fetch-site', site).expect(302);
    for (const site of ['cross-site', 'same-site']) {
      const { headers } = await signOut(site);
      expect([headers['location'], headers['set-cookie']]).toEqual(['/admin/jobs', undefined]);
    }
    await look('/api/queues', own).expect(200);
    const { headers } = await signOut('same-origin');
    expect(headers['location']).toBe('/admin/jobs/sign-in');
    expect(headers['set-cookie']![0]).toContain('tenon_job_board=; Path=/admin/jobs; Max-Age=0');
    expect((await signOut('same-origin')).headers['location']).toBe('/admin/jobs/sign-in');
    await look('/api/queues', own).expect(401);
    // Access tokens stop within a second: by the change bus, which a busy server is slow to send.
    await expect.poll(() => isSignedIn(tenon, session.auth)).toBe(false);
  });

  it('over https the cookie is Secure', async () => {
    const secure = await startApp({ db: tenon.db, env: { PUBLIC_URL: 'https://tenon.test/sub' } });
    try {
      const { userId } = await insertPerson(tenon.db, { platformRole: 'admin' });
      const { auth } = await openSession(secure, userId);
      const { headers } = await secure.http.post(SESSION).set(auth).expect(204);
      expect(headers['set-cookie']![0]).toMatch(/; Path=\/sub\/admin\/jobs; .*; Secure$/);
    } finally {
      await secure.close();
    }
  });
});
