import { once } from 'node:events';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AlertsService } from '../src/cleanup/alerts/alerts.service.js';
import { TYPE_NAMES } from '../src/cleanup/expiring-types.js';
import type { ReportView } from '../src/cleanup/reports/reports.view.js';
import { Schedules } from '../src/jobs/schedules.js';
import { newId } from '../src/kernel/ids.js';
import { atOnce, countStatuses } from './harness/accounts.js';
import { ADMIN, startApp, type TestApp } from './harness/app.js';
import { startChild } from './harness/child-instance.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { newPerson, type Person, signInAdmin } from './harness/people.js';
import { type MailCatcher, startMailCatcher } from './harness/smtp.js';

const PATH = '/api/v1/admin/cleanup';
/** One for all instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';
const SUBJECT = /^The cleanup of the last/;
const HOSTILE = '</title><script>alert(1)</script>"><img src=x onerror=alert(1)>';

let db: TestDatabase;
let catcher: MailCatcher;
let tenon: TestApp;
let admin: Person;
beforeAll(async () => {
  db = await createDatabase();
  catcher = await startMailCatcher();
  const bare = await startApp({ db, env: { PUBLIC_URL } });
  await db.sql.query(`insert into users (id, email, full_name, status, platform_role, created_at, updated_at)
     select gen_random_uuid(), 'second@tenon.test', 'Second', status, 'admin', now(), now() from users
      where platform_role = 'admin'`);
  await db.sql.query(`insert into users (id, email, full_name, status, platform_role, created_at, updated_at)
     values (gen_random_uuid(), 'gone@tenon.test', 'Gone', 'disabled', 'admin', now(), now())`);
  await bare.close();
  tenon = await startApp({ db, env: { PUBLIC_URL, MAIL_URL: catcher.url } });
  admin = await signInAdmin(tenon);
}, 60_000);
afterAll(async () => {
  await tenon.close();
  await catcher.close();
  await db.drop();
});

const rows = async (sql: string, ...values: unknown[]): Promise<Record<string, unknown>[]> =>
  (await db.sql.query<Record<string, unknown>>(sql, values)).rows;

const ask = (type: string) => tenon.http.post(`${PATH}/generate-report?report_type=${type}`).set(admin.auth);
const show = async (id: string): Promise<ReportView> =>
  (await tenon.http.get(`${PATH}/reports/${id}`).set(admin.auth).expect(200)).body as ReportView;
const reports = (): number => catcher.mails.filter(({ subject }) => SUBJECT.test(subject ?? '')).length;

async function made(id: string): Promise<ReportView> {
  await expect.poll(async () => (await show(id)).status, { timeout: 20_000 }).toBe('completed');
  return show(id);
}

/** A run of some hours ago, and a batch of it. */
async function insertRun(
  hoursAgo: number,
  { type = 'session', deleted = 0, failed = false, late = false, message = '' } = {},
): Promise<string> {
  const id = newId();
  await rows(
    `insert into cleanup_runs (id, trigger, schedule_id, slot, batch_size, dry_run, status, created_at, started_at, finished_at)
     select $1, 'schedule', 'cleanup-daily', at - $3::interval, 1000, false, $4, at, at, at from (select now() - $2::interval as at) t`,
    id,
    `${hoursAgo} hours`,
    late ? '3 hours' : '1 second',
    failed ? 'failed' : 'completed',
  );
  await rows(
    `insert into cleanup_run_types (run_id, type, position, expired, deleted, batches, duration_ms, errors, last_error, given_up, finished_at)
     values ($1, $2, 0, $3, $3, 1, 10, $4, $5, $6, now())`,
    id,
    type,
    deleted,
    failed ? 3 : 0,
    message || null,
    failed,
  );
  if (deleted > 0)
    await rows(
      `insert into cleanup_batches (run_id, type, number, deleted, duration_ms, at) values ($1, $2, 1, $3, 10, now() - $4::interval)`,
      id,
      type,
      deleted,
      `${hoursAgo} hours`,
    );
  return id;
}

describe('C6 reports', () => {
  it('tell of a period what left, what waits, what failed; stored, and mailed once to each platform admin', async () => {
    await insertRun(30, { deleted: 400 });
    await insertRun(5, { deleted: 500 });
    await insertRun(2, { type: HOSTILE, deleted: 100, failed: true, late: true, message: HOSTILE });
    await rows(
      `insert into cleanup_backlog (type, at, total, expired)
       select 'session', now() - n * interval '1 hour', 900, 100 * n from generate_series(1, 20) n`,
    );
    const { taskId } = (await ask('daily').expect(202)).body as { taskId: string };
    const report = await made(taskId);
    expect(report).toMatchObject({ id: taskId, reportType: 'daily', slot: null, madeAt: expect.any(String) });
    const { figures } = report;
    expect(figures).toMatchObject({ runs: 2, failedRuns: 1, lateRuns: 1, deleted: 600, deletedBefore: 400 });
    expect(figures!.rowsPerSecond).toBe(30_000);
    expect(figures!.series).toHaveLength(24);
    expect(figures!.series.map(({ deleted }) => deleted).filter((deleted) => deleted > 0)).toEqual([500, 100]);
    expect(figures!.types.map(({ type }) => type)).toEqual(TYPE_NAMES);
    expect(figures!.types.find(({ type }) => type === 'session')).toMatchObject({ deleted: 500, errors: 0 });
    const [line] = figures!.backlog;
    expect(line!.type).toBe('session');
    expect(line!.expired).toHaveLength(24);
    expect(Math.max(...line!.expired.map(Number))).toBe(2_000);
    expect(figures!.failures).toEqual([{ type: HOSTILE, at: expect.any(String), message: HOSTILE }]);

    await expect.poll(reports).toBe(2);
    expect(catcher.to('gone@tenon.test')).toEqual([]);
    for (const address of [ADMIN.email, 'second@tenon.test']) {
      const [mail] = catcher.to(address);
      expect(mail!.subject).toBe('The cleanup of the last day');
      expect(mail!.html!.match(/<svg role="img"/g)).toHaveLength(2);
      expect(mail!.text).toContain('600 rows removed, 50 % more than in the period before');
      expect(mail!.html).not.toMatch(/<script|<img/);
    }
    expect(await rows(`select action from audit_log where target_id = $1 order by id`, taskId)).toEqual([
      { action: 'cleanup.report_requested' },
      { action: 'cleanup.report_made' },
    ]);
  });

  it('are shown as a page that runs and loads nothing, to who asks for HTML', async () => {
    const { body } = await tenon.http.get(`${PATH}/reports`).set(admin.auth).expect(200);
    const page = await tenon.http
      .get(`${PATH}/reports/${body.data[0].id}`)
      .set({ ...admin.auth, accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
      .expect(200)
      .expect('content-type', 'text/html; charset=utf-8')
      .expect('vary', /Accept/)
      .expect('cache-control', 'no-store');
    expect(page.headers['content-security-policy']).toMatch(/default-src 'none'.*sandbox/);
    expect(page.headers['content-security-policy']).not.toContain('script-src');
    expect(page.text).toMatch(/^<!doctype html>/);
    expect(page.text).not.toMatch(/Hello|<script|<img/);
    expect(page.text).toContain('&lt;script&gt;');
    const waits = newId();
    await rows(
      `insert into cleanup_reports (id, type, status, created_at) values ($1, 'daily', 'failed', now())`,
      waits,
    );
    await tenon.http
      .get(`${PATH}/reports/${waits}`)
      .set({ ...admin.auth, accept: 'text/html' })
      .expect(200)
      .expect('content-type', /json/);
    await rows(`delete from cleanup_reports where id = $1`, waits);
  });

  it('look back on seven days by day, and on a month', async () => {
    const weekly = await made(((await ask('weekly').expect(202)).body as { taskId: string }).taskId);
    expect(weekly.figures!.series).toHaveLength(7);
    expect(weekly.figures!.deleted).toBe(1_000);
    const monthly = await made(((await ask('monthly').expect(202)).body as { taskId: string }).taskId);
    expect(monthly.figures!.series.length).toBeGreaterThanOrEqual(28);
    expect(monthly.figures!.series[0]!.at).toBe(monthly.from);
    const list = (query: object) => tenon.http.get(`${PATH}/reports`).query(query).set(admin.auth).expect(200);
    const { body: first } = await list({ limit: 1 });
    expect(first.data).toEqual([expect.not.objectContaining({ figures: expect.anything() })]);
    expect(first.data[0].id).toBe(monthly.id);
    const { body: second } = await list({ limit: 1, cursor: first.meta.nextCursor });
    expect(second.data[0].id).toBe(weekly.id);
    expect((await list({ reportType: 'daily' })).body.data).toHaveLength(1);
  });

  it('of a slot are made once, whoever asks, and are up to the slot', async () => {
    const before = reports();
    const slot = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000);
    const weekly = tenon.app
      .get(Schedules)
      .list()
      .find(({ id }) => id === 'cleanup-report-weekly')!;
    expect(weekly.schedule).toBe('0 3 * * 0');
    await Promise.all(Array.from({ length: 8 }, () => weekly.run(new AbortController().signal, slot)));
    const [{ id, count }] = (await rows(
      `select min(id::text) as id, count(*)::int from cleanup_reports where slot is not null`,
    )) as [{ id: string; count: number }];
    expect(count).toBe(1);
    expect(await made(id)).toMatchObject({ slot: slot.toISOString(), until: slot.toISOString() });
    await expect.poll(reports).toBe(before + 2);
  });

  it('50 asked for at once are few, and each is mailed once', async () => {
    const before = reports();
    const answers = await atOnce(50, () => ask('daily'));
    expect(countStatuses(answers)).toEqual({ 202: 50 });
    const ids = [...new Set(answers.map(({ body }) => (body as { taskId: string }).taskId))];
    await Promise.all(ids.map(made));
    const [{ count }] = (await rows(
      `select count(*)::int from outbox where topic = 'cleanup-report' and summary->>'report' = any ($1)`,
      ids,
    )) as [{ count: number }];
    expect(count).toBe(ids.length);
    await expect.poll(reports, { timeout: 20_000 }).toBe(before + 2 * ids.length);
  });

  it('are for platform admins, of types that there are', async () => {
    for (const query of [
      '',
      '?report_type=',
      '?report_type=yearly',
      '?report_type=daily&report_type=weekly',
      "?report_type='",
    ])
      await tenon.http.post(`${PATH}/generate-report${query}`).set(admin.auth).expect(400);
    for (const query of ['?reportType=yearly', '?cursor=x', '?limit=0'])
      await tenon.http.get(`${PATH}/reports${query}`).set(admin.auth).expect(400);
    await tenon.http.get(`${PATH}/reports/1;DROP`).set(admin.auth).expect(400);
    await tenon.http.get(`${PATH}/reports/${newId()}`).set(admin.auth).expect(404);
    await rows(`update users set platform_role = null where email = 'second@tenon.test'`);
    await tenon.http.post(`${PATH}/generate-report?report_type=daily`).expect(401);
  });
});

describe('C9 alerts', () => {
  const alerts = (): string[] =>
    catcher.to(ADMIN.email).flatMap(({ subject, text }) => (subject === 'The cleanup needs attention' ? [text!] : []));
  const check = () => tenon.app.get(AlertsService).check();
  const entries = () =>
    rows(`select action from audit_log where action ~ '^cleanup.(run_failed|slot_missed|backlog_grows)' order by 1`);

  it('one cause is one mail, also of many that look at once; it is told again when it was over, a day later', async () => {
    await Promise.all(Array.from({ length: 8 }, check));
    await expect.poll(alerts).toHaveLength(1);
    const [text] = alerts();
    expect(text).toContain('The last run gave up on');
    expect(text).toContain('cleanup-daily ran late');
    expect(text).not.toMatch(/^<script/m);
    expect(await entries()).toEqual([{ action: 'cleanup.run_failed' }, { action: 'cleanup.slot_missed' }]);
    // Over, and there again on the same day: not told.
    await insertRun(0, { type: HOSTILE });
    await check();
    expect(await rows('select from cleanup_alerts where cleared_at is null')).toEqual([]);
    await insertRun(-1, { type: HOSTILE, failed: true, message: 'again' });
    await check();
    expect(await entries()).toHaveLength(2);
    await rows(`update cleanup_alerts set raised_at = raised_at - interval '25 hours'`);
    await check();
    await check();
    await expect.poll(alerts).toHaveLength(2);
    expect(alerts()[1]).toContain('again');
    expect(alerts()[1]).not.toContain('ran late');
  });

  it('tell of a backlog that grows, and not of one that is swept every day', async () => {
    await rows(`delete from cleanup_backlog`);
    const fill = (type: string, expired: string) =>
      rows(
        `insert into cleanup_backlog (type, at, total, expired)
         select $1, now() - n * interval '1 hour', 90000, ${expired} from generate_series(0, 47) n`,
        type,
      );
    await fill('session', '(48 - n) * 100');
    await fill('invitation', '(48 - n) % 24 * 1000');
    await fill('password_reset', '(48 - n)');
    const before = alerts().length;
    await check();
    await expect.poll(alerts).toHaveLength(before + 1);
    expect(alerts().at(-1)).toContain('More and more of session has expired and is still there: 4,800 rows');
    expect(alerts().at(-1)).not.toMatch(/invitation|password_reset/);
    const run = tenon.app
      .get(Schedules)
      .list()
      .find(({ id }) => id === 'cleanup-backlog-hourly')!;
    const slot = new Date();
    for (let twice = 0; twice < 2; twice += 1) await run.run(new AbortController().signal, slot);
    expect(await rows(`select type from cleanup_backlog where at = $1`, slot)).toHaveLength(TYPE_NAMES.length);
  });
});

it('C6 strangers are refused', async () => {
  const other = await startApp();
  const person = await newPerson(other);
  await other.http.post(`${PATH}/generate-report?report_type=daily`).set(person.auth).expect(403);
  await other.http.get(`${PATH}/reports`).set(person.auth).expect(403);
  await other.http.get(`${PATH}/reports/${newId()}`).set(person.auth).expect(403);
  await other.close();
});

it('case 38: killed while a report is made, it is made and mailed once after the next start', async () => {
  await tenon.close();
  // The maker waits for the row that is held here, in the middle of its work.
  const { child, url } = await startChild(db, { PUBLIC_URL, MAIL_URL: catcher.url });
  const before = reports();
  const holder = await db.sql.connect();
  await holder.query('begin');
  await holder.query('lock table cleanup_batches in access exclusive mode');
  const { taskId } = (
    await supertest(url).post(`${PATH}/generate-report?report_type=monthly`).set(admin.auth).expect(202)
  ).body as { taskId: string };
  await expect
    .poll(
      async () =>
        (await rows(`select from pg_locks where relation = 'cleanup_batches'::regclass and not granted`)).length,
    )
    .toBe(1);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await holder.query('rollback');
  holder.release();
  expect(await rows(`select status from cleanup_reports where id = $1`, taskId)).toEqual([{ status: 'queued' }]);
  expect(reports()).toBe(before);

  tenon = await startApp({ db, env: { PUBLIC_URL, MAIL_URL: catcher.url } });
  await expect
    .poll(async () => (await rows(`select status from cleanup_reports where id = $1`, taskId))[0], { timeout: 40_000 })
    .toEqual({ status: 'completed' });
  await expect.poll(reports).toBe(before + 1);
  expect(
    await rows(`select from audit_log where action = 'cleanup.report_made' and target_id = $1`, taskId),
  ).toHaveLength(1);
}, 90_000);
