import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AlertsService } from '../src/cleanup/alerts/alerts.service.js';
import { TYPE_NAMES } from '../src/cleanup/expiring-types.js';
import type { ReportView } from '../src/cleanup/reports/reports.view.js';
import type { HealthReportView } from '../src/cleanup/statistics/statistics.view.js';
import { Queues } from '../src/jobs/queues.js';
import { Schedules, SCHEDULES_QUEUE } from '../src/jobs/schedules.js';
import { newId } from '../src/kernel/ids.js';
import { atOnce, countStatuses } from './harness/accounts.js';
import { ADMIN, startApp, type TestApp } from './harness/app.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { newPerson, type Person, signInAdmin } from './harness/people.js';
import { slotWas } from './harness/schedules.js';
import { type MailCatcher, startMailCatcher } from './harness/smtp.js';

const PATH = '/api/v1/admin/cleanup';
/** One for all instances: tokens name it. */
const PUBLIC_URL = 'http://tenon.test';
const SUBJECT = /^The cleanup of the last/;
const DAY_MS = 24 * 3_600_000;
/** The present day (UTC), at its begin. */
const TODAY = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS);
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
/** What `task-status` says of it. */
const task = async (id: string): Promise<unknown> =>
  (await tenon.http.get(`${PATH}/task-status/${id}`).set(admin.auth).expect(200)).body;
const reports = (): number => catcher.mails.filter(({ subject }) => SUBJECT.test(subject ?? '')).length;

async function made(id: string): Promise<ReportView> {
  await expect.poll(async () => (await show(id)).status).toBe('completed');
  return show(id);
}

/** The report of a slot; it is taken on as its schedule does. @returns its id. */
async function askForSlot(type: string, slot: Date): Promise<string> {
  const schedule = tenon.app
    .get(Schedules)
    .list()
    .find(({ id }) => id === `cleanup-report-${type}`)!;
  await schedule.run(new AbortController().signal, slot);
  const [report] = await rows('select id from cleanup_reports where type = $1 and slot = $2', type, slot);
  return report!.id as string;
}

/** A run of some hours ago, or before another moment, and a batch of it. */
async function insertRun(
  hoursAgo: number,
  { type = 'session', deleted = 0, failed = false, late = false, message = '', before = new Date() } = {},
): Promise<string> {
  const id = newId();
  await rows(
    `insert into cleanup_runs (id, trigger, schedule_id, slot, batch_size, dry_run, status, created_at, started_at, finished_at)
     select $1, 'schedule', 'cleanup-daily', at - $3::interval, 1000, false, $4, at, at, at from (select $5::timestamptz - $2::interval as at) t`,
    id,
    `${hoursAgo} hours`,
    late ? '3 hours' : '1 second',
    failed ? 'failed' : 'completed',
    before,
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
      `insert into cleanup_batches (run_id, type, number, deleted, duration_ms, at) values ($1, $2, 1, $3, 10, $5::timestamptz - $4::interval)`,
      id,
      type,
      deleted,
      `${hoursAgo} hours`,
      before,
    );
  return id;
}

describe('C6 reports', () => {
  it('tell of a period what left, what waits, what failed; stored, and mailed once to each platform admin', async () => {
    const before = TODAY;
    await insertRun(30, { deleted: 400, before });
    const run = await insertRun(5, { deleted: 500, before });
    await insertRun(4, { before });
    const hostile = { type: HOSTILE, deleted: 100, failed: true, late: true, message: HOSTILE };
    const failed = await insertRun(2, { ...hostile, before });
    await rows(
      `insert into cleanup_backlog (type, at, expired)
       select 'session', $1::timestamptz - n * interval '1 hour', 100 * n from generate_series(1, 20) n`,
      before,
    );
    const slot = new Date(TODAY.getTime() + 3 * 3_600_000);
    const taskId = await askForSlot('daily', slot);
    const report = await made(taskId);
    expect(await task(taskId)).toEqual({
      taskId,
      status: 'completed',
      progress: 100,
      createdAt: report.createdAt,
      finishedAt: report.madeAt,
      result: { reportId: taskId, reportType: 'daily', url: `${PATH}/reports/${taskId}` },
    });
    expect(report).toMatchObject({ id: taskId, reportType: 'daily', slot: slot.toISOString() });
    // The calendar day in UTC that was over by then.
    expect([report.from, report.until]).toEqual(
      [TODAY.getTime() - DAY_MS, TODAY.getTime()].map((at) => new Date(at).toISOString()),
    );
    const { figures } = report;
    expect(figures).toMatchObject({
      runs: 3,
      failedRuns: 1,
      lateRuns: 1,
      idleRuns: 1,
      deleted: 600,
      deletedBefore: 400,
    });
    expect(figures!.rowsPerSecond).toBe(30_000);
    expect(figures!.lastRuns).toEqual([
      expect.objectContaining({ taskId: failed, status: 'failed', late: true, deleted: 100 }),
      {
        taskId: run,
        scheduleId: 'cleanup-daily',
        at: new Date(TODAY.getTime() - 5 * 3_600_000).toISOString(),
        status: 'completed',
        late: false,
        deleted: 500,
        durationMs: 0,
      },
    ]);
    expect(figures!.recommendation).toMatchObject({ action: 'none', reason: 'Nothing has expired' });
    expect(figures!.series).toHaveLength(24);
    expect(figures!.series[0]!.at).toBe(report.from);
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
      expect(mail!.text).toContain(`${PUBLIC_URL}/cleanup-report?id=${taskId}`);
      expect(mail!.text).toContain('Nothing has to be done. Nothing has expired.');
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
    expect(page.text).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    // Types by what people call them, and without rows of zeros.
    expect(page.text).toMatch(/<td [^>]*>Sessions<\/td>/);
    expect(page.text).not.toMatch(/<td [^>]*>(session|Invitations)<\/td>/);
    expect(page.text).toMatch(/Nothing to remove, and nothing waits: [^<]*Invitations/);
    expect(page.text).toContain('Runs that removed something, failed or came late; 1 other run found nothing');
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
    for (const status of ['failed', 'queued']) {
      await rows(`update cleanup_reports set status = $2 where id = $1`, waits, status);
      expect(await task(waits)).toMatchObject({ status, progress: 0, finishedAt: null });
    }
    await rows(`delete from cleanup_reports where id = $1`, waits);
  });

  it('are shown by the page that the mail leads to, which holds nothing of them itself', async () => {
    const { headers, text } = await tenon.http.get(`/cleanup-report?id=${newId()}`).expect(200);
    expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    expect(headers['content-security-policy']).toMatch(
      /default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/,
    );
    expect((await tenon.http.get('/cleanup-report').expect(200)).text).toBe(text);
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style| style=| on\w+=/i);
    for (const [, asset] of text.matchAll(/(?:src|href)="([^":]+)"/g)) await tenon.http.get(`/${asset}`).expect(200);
  });

  it('of an earlier version, and of a time in which nothing was, are a page all the same', async () => {
    const figures = { runs: 0, failedRuns: 0, lateRuns: 0, deleted: 0, deletedBefore: 0, rowsPerSecond: 0 };
    const series = [{ at: TODAY.toISOString(), deleted: 0 }];
    const types = [{ type: 'session', deleted: 0, errors: 0, total: 3, expired: 0 }];
    const id = newId();
    await rows(
      `insert into cleanup_reports (id, type, status, created_at, made_at, period_from, period_until, figures)
       values ($1, 'daily', 'completed', now(), now(), $2, $2::timestamptz + interval '1 hour', $3)`,
      id,
      TODAY,
      JSON.stringify({ ...figures, series, types, backlog: [], failures: [] }),
    );
    expect((await show(id)).figures).toMatchObject({ idleRuns: null, lastRuns: [], recommendation: null });
    const { text } = await tenon.http
      .get(`${PATH}/reports/${id}`)
      .set({ ...admin.auth, accept: 'text/html' })
      .expect(200);
    expect(text).toContain('No run was asked for.');
    expect(text).toContain('Nothing to remove, and nothing waits: Sessions.');
    expect(text).not.toMatch(/<svg|<table|undefined|NaN/);
    await rows(`delete from cleanup_reports where id = $1`, id);
  });

  it('that somebody asks for are about the present day, too, up to now', async () => {
    const daily = await made(((await ask('daily').expect(202)).body as { taskId: string }).taskId);
    expect(daily.from).toMatch(/T00:00:00\.000Z$/);
    expect(new Date(daily.until!).getTime() - new Date(daily.from!).getTime()).toBeLessThanOrEqual(DAY_MS);
    expect(daily.until! > daily.createdAt).toBe(true);
    expect(daily.figures!.series.every(({ at }) => at.endsWith(':00:00.000Z'))).toBe(true);
    await rows(`delete from cleanup_reports where id = $1`, daily.id);
  });

  it('look back on seven days by day, and on a month', async () => {
    const weekly = await made(((await ask('weekly').expect(202)).body as { taskId: string }).taskId);
    expect(weekly.figures!.series).toHaveLength(7);
    expect(weekly.figures!.series.every(({ at }) => at.endsWith('T00:00:00.000Z'))).toBe(true);
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

  it('of a slot are made once, whoever asks, and are up to the begin of its day', async () => {
    const before = reports();
    const slot = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000);
    const weekly = tenon.app
      .get(Schedules)
      .list()
      .find(({ id }) => id === 'cleanup-report-weekly')!;
    expect(weekly.schedule).toBe('0 3 * * 0');
    await Promise.all(Array.from({ length: 8 }, () => weekly.run(new AbortController().signal, slot)));
    const [{ id, count }] = (await rows(
      `select min(id::text) as id, count(*)::int from cleanup_reports where type = 'weekly' and slot is not null`,
    )) as [{ id: string; count: number }];
    expect(count).toBe(1);
    expect(await made(id)).toMatchObject({ slot: slot.toISOString(), until: TODAY.toISOString() });
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
    await expect.poll(reports).toBe(before + 2 * ids.length);
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
  const queue = () => tenon.app.get(Queues).queue(SCHEDULES_QUEUE);
  beforeAll(async () => {
    // Nothing runs by the calendar, also not what tells of it; nor has anything, whatever the hour is.
    await queue().pause();
    await rows(`delete from cleanup_runs where schedule_id = 'cleanup-hourly'`);
  });
  const alerts = (): string[] =>
    catcher.to(ADMIN.email).flatMap(({ subject, text }) => (subject === 'The cleanup needs attention' ? [text!] : []));
  const check = () => tenon.app.get(AlertsService).check();
  const entries = () =>
    rows(`select action from audit_log where action ~ '^cleanup.(run_failed|slot_missed|backlog_grows)' order by 1`);

  it('one cause is one mail, also of many that look at once; it is told again when it was over, a day later', async () => {
    // The runs that reports tell of were yesterday by the calendar: just after midnight, later than the one below.
    await rows(`update cleanup_runs set slot = slot - interval '7 days' where slot is not null`);
    await insertRun(2, { type: HOSTILE, failed: true, late: true, message: HOSTILE });
    await Promise.all(Array.from({ length: 8 }, check));
    await expect.poll(alerts).toHaveLength(1);
    const [text] = alerts();
    expect(text).toContain(': the last run gave up, after errors');
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
    const list = async (query = '') =>
      (await tenon.http.get(`${PATH}/alerts${query}`).set(admin.auth).expect(200)).body as {
        data: { id: string; kind: string; about: string; clearedAt: string | null }[];
        meta: { nextCursor: string };
      };
    const { data } = await list();
    // What is open comes first, though it is not alone.
    expect(data[0]).toMatchObject({ kind: 'failed', about: HOSTILE, clearedAt: null });
    expect(
      data
        .slice(1)
        .map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(['failed', 'late']);
    expect(data.slice(1).every(({ clearedAt }) => clearedAt !== null)).toBe(true);
    const pages = [await list('?limit=1')];
    while (pages.at(-1)!.meta.nextCursor) pages.push(await list(`?limit=1&cursor=${pages.at(-1)!.meta.nextCursor}`));
    expect(pages.flatMap((page) => page.data)).toEqual(data);
    await tenon.http.get(`${PATH}/alerts?cursor=x`).set(admin.auth).expect(400);
    await expect.poll(alerts).toHaveLength(2);
    expect(alerts()[1]).toContain('again');
    expect(alerts()[1]).not.toContain('ran late');
  });

  it('tell of a slot that is due and has no run, once; it is over when it has run', async () => {
    const cause = () =>
      rows(`select cause, cleared_at is null as open from cleanup_alerts where cause ~ ' cleanup-hourly$'`);
    const slots = async () => {
      const { body } = await tenon.http.post(`${PATH}/health-check`).set(admin.auth).expect(200);
      return (body as HealthReportView).checks.find(({ name }) => name === 'slots');
    };
    const before = alerts().length;
    expect(await slots()).toMatchObject({ status: 'ok' });
    const slot = (await slotWas(db, 'cleanup-hourly', 1)).toISOString();
    expect(await slots()).toEqual({ name: 'slots', status: 'failed', detail: `cleanup-hourly was due at ${slot}` });
    await Promise.all(Array.from({ length: 8 }, check));
    await check();
    await expect.poll(alerts).toHaveLength(before + 1);
    expect(alerts().at(-1)).toContain('cleanup-hourly has not run: it was due on');
    expect(await cause()).toEqual([{ cause: 'missed cleanup-hourly', open: true }]);
    await queue().resume();
    await expect
      .poll(async () => (await rows(`select from cleanup_runs where schedule_id = 'cleanup-hourly'`)).length)
      .toBe(1);
    await check();
    // It came late, which was told by then.
    expect(await cause()).toEqual([{ cause: 'missed cleanup-hourly', open: false }]);
    expect(await slots()).toMatchObject({ status: 'ok' });
    expect(
      await rows(
        `select action, after from audit_log where action ~ '^cleanup.slot' and after->>'schedule' = 'cleanup-hourly'`,
      ),
    ).toEqual([{ action: 'cleanup.slot_not_run', after: { schedule: 'cleanup-hourly', at: slot } }]);
  });

  it('tell of a backlog that grows, and not of one that is swept every day', async () => {
    await rows(`delete from cleanup_backlog`);
    const fill = (type: string, expired: string) =>
      rows(
        `insert into cleanup_backlog (type, at, expired)
         select $1, now() - n * interval '1 hour', ${expired} from generate_series(0, 47) n`,
        type,
      );
    await fill('session', '(48 - n) * 100');
    await fill('invitation', '(48 - n) % 24 * 1000');
    await fill('password_reset', '(48 - n)');
    const before = alerts().length;
    await check();
    await expect.poll(alerts).toHaveLength(before + 1);
    expect(alerts().at(-1)).toContain('Sessions: more and more has expired and is still there, 4,800 rows');
    expect(alerts().at(-1)).not.toMatch(/invitations|password resets/i);
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
  await other.http.get(`${PATH}/alerts`).set(person.auth).expect(403);
  await other.http.get(`${PATH}/reports/${newId()}`).set(person.auth).expect(403);
  await other.close();
});
