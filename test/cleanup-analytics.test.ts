import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ForecastsView } from '../src/cleanup/analytics/forecast.view.js';
import type { HistoryChartView, HistoryPageView } from '../src/cleanup/analytics/history.view.js';
import { expiredBacklog } from '../src/cleanup/backlog/backlog.cleanup.js';
import { TYPE_NAMES, TYPE_TITLES } from '../src/cleanup/expiring-types.js';
import { Schedules } from '../src/jobs/schedules.js';
import { newId } from '../src/kernel/ids.js';
import { insertPerson, openSession } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { removeExpired } from './harness/cleanup.js';
import { type Person, signInAdmin } from './harness/people.js';

const PATH = '/api/v1/admin/cleanup';

let tenon: TestApp;
let admin: Person;

beforeAll(async () => {
  tenon = await startApp();
  admin = await signInAdmin(tenon);
  // Its slot may come while these tests run.
  const hourly = tenon.http.patch(`${PATH}/scheduled-tasks/cleanup-backlog-hourly`).set(admin.auth);
  await hourly.send({ enabled: false }).expect(200);
});
afterAll(() => tenon.close());
beforeEach(() => rows('truncate cleanup_backlog, cleanup_batches, cleanup_run_types, cleanup_runs'));

const rows = async (sql: string, ...values: unknown[]): Promise<Record<string, unknown>[]> =>
  (await tenon.db.sql.query<Record<string, unknown>>(sql, values)).rows;

const ask = (path: string, status = 200) => tenon.http.get(`${PATH}/${path}`).set(admin.auth).expect(status);

/** A run that ended, of sessions. */
async function insertRun(run: { daysAgo?: number; deleted?: number; errors?: number; dryRun?: boolean } = {}) {
  const { daysAgo = 0, deleted = 2_000, errors = 0, dryRun = false } = run;
  const id = newId();
  await rows(
    `insert into cleanup_runs (id, trigger, schedule_id, batch_size, dry_run, status, created_at, started_at, finished_at)
     values ($1, 'schedule', 'cleanup-daily', 1000, $2, $3, now() - $4 * interval '1 day',
             now() - $4 * interval '1 day', now() - $4 * interval '1 day' + interval '1 s')`,
    id,
    dryRun,
    errors > 0 ? 'failed' : 'completed',
    daysAgo,
  );
  await rows(
    `insert into cleanup_run_types (run_id, type, position, expired, deleted, batches, duration_ms, errors)
     values ($1, 'session', 0, $2, $2, 3, 20, $3)`,
    id,
    deleted,
    errors,
  );
  await rows(
    `insert into cleanup_batches (run_id, type, number, deleted, duration_ms, at)
     select $1, 'session', n, 700, 7, now() + n * interval '1 ms' from generate_series(1, 3) n`,
    id,
  );
  return id;
}

/** What was recorded of sessions on each of the last days, yesterday last. */
const insertBacklog = (last: number, expired: string, first = 1) =>
  rows(
    `insert into cleanup_backlog (type, at, expired)
     select 'session', ((now() at time zone 'UTC')::date - n + time '01:10') at time zone 'UTC', ${expired}
       from generate_series(${first}, ${last}) n`,
  );

describe('C11 history', () => {
  it('lists runs, the newest first, page by page, with speed and error rate', async () => {
    const ids = [await insertRun(), await insertRun({ errors: 1 }), await insertRun()].toReversed();
    const first = (await ask('history?limit=2')).body as HistoryPageView;
    const second = (await ask(`history?limit=2&cursor=${first.meta.nextCursor}`)).body as HistoryPageView;
    expect([...first.data, ...second.data].map(({ taskId }) => taskId)).toEqual(ids);
    expect(second.meta).toEqual({ nextCursor: null, hasNext: false });
    expect(first.data[1]).toMatchObject({
      status: 'failed',
      trigger: 'schedule',
      scheduleId: 'cleanup-daily',
      errorRate: 0.25,
      result: { totalDeleted: 2_000, durationMs: 1_000, tokensPerSecond: 2_000, batches: 3 },
    });
    expect((await ask('history?status=failed')).body.data).toHaveLength(1);
  });

  it('lists the batches of a run', async () => {
    const id = await insertRun();
    const { body } = await ask(`history/${id}/batches?perPage=2`);
    expect(body.meta).toMatchObject({ total: 3, totalPages: 2 });
    expect(body.data).toEqual(
      [1, 2].map((number) => ({
        type: 'session',
        number,
        deleted: 700,
        durationMs: 7,
        tokensPerSecond: 100_000,
        at: expect.any(String),
      })),
    );
    await ask(`history/${newId()}/batches`, 404);
  });

  it('is a series by type and day, without dry runs', async () => {
    await insertRun();
    await insertRun({ errors: 3 });
    await insertRun({ daysAgo: 2 });
    await insertRun({ daysAgo: 3 });
    await insertRun({ dryRun: true });
    const { days, series } = (await ask('history/chart?days=3')).body as HistoryChartView;
    expect(days).toHaveLength(3);
    expect(days[2]).toBe((await rows(`select to_char(now() at time zone 'UTC', 'YYYY-MM-DD') as day`))[0]!['day']);
    expect(series).toEqual([
      {
        type: 'session',
        deleted: [2_000, 0, 4_000],
        tokensPerSecond: [100_000, null, 100_000],
        errorRate: [0, null, 1 / 3],
      },
    ]);
    expect((await ask('history/chart?type=invitation')).body.series).toEqual([]);
  });
});

describe('C11 the history as a page', () => {
  const show = (query = '') =>
    tenon.http
      .get(`${PATH}/history/chart${query}`)
      .set({ ...admin.auth, accept: 'text/html,*/*;q=0.8' })
      .expect(200)
      .expect('content-type', 'text/html; charset=utf-8')
      .expect('vary', /Accept/)
      .expect('cache-control', 'no-store');

  it('draws what the data say, and runs and loads nothing', async () => {
    await insertRun();
    await insertRun({ daysAgo: 2, errors: 3 });
    const { text, headers } = await show('?days=7');
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*sandbox/);
    expect(headers['content-security-policy']).not.toContain('script-src');
    expect(text).toMatch(/^<!doctype html>/);
    expect(text).not.toMatch(/<script|<img|<link|Hello|NaN|undefined/);
    expect(text.match(/<svg role="img"/g)).toHaveLength(3);
    expect(text).toContain('4,000 rows removed, 571 a day on average and 2,000 at the most');
    expect(text).toContain('At the worst, 50\u00a0% of the batches of Sessions failed on a day.');
    expect(text.match(/<rect [^>]*><title>[A-Z][a-z]{2} \d+: 2,000<\/title>/g)).toHaveLength(2);
    expect(text).toMatch(/>Sessions<\/td><td[^>]*>4,000<\/td><td[^>]*>100\u00a0%<\/td><td[^>]*>100,000<\/td>/);
  });

  it('shows nine types: the largest five, and the others as one; what never removed anything only failed', async () => {
    for (const [n, type] of TYPE_NAMES.slice(0, 9).entries()) {
      const id = await insertRun({ deleted: n * 100, errors: n === 0 ? 2 : 0 });
      await rows(`update cleanup_run_types set type = $2 where run_id = $1`, id, type);
    }
    const { text } = await show();
    expect(text).toContain('>all others</text>');
    expect(text).toContain(`of the batches of ${TYPE_TITLES[TYPE_NAMES[0]!]} failed on a day`);
    expect(text.match(/<rect [^>]*><title>/g)).toHaveLength(6);
  });

  it('of nothing says so', async () => {
    const { text } = await show('?days=1');
    expect(text).toContain('Nothing was removed. No batch failed.');
    expect(text).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('is data for who takes anything', async () => {
    await tenon.http
      .get(`${PATH}/history/chart`)
      .set({ ...admin.auth, accept: '*/*' })
      .expect(200)
      .expect('content-type', /json/);
  });
});

describe('C11 forecast', () => {
  const forecastOf = async (query = ''): Promise<ForecastsView['types'][number]> =>
    ((await ask(`forecast?type=session${query}`)).body as ForecastsView).types[0]!;

  it('says that there is too little history instead of inventing', async () => {
    expect(((await ask('forecast')).body as ForecastsView).types.map(({ type }) => type)).toEqual(TYPE_NAMES);
    await insertBacklog(20, '100');
    expect(await forecastOf()).toMatchObject({
      status: 'too_little_history',
      reason: expect.stringContaining('20 days are recorded'),
      evaluation: null,
      points: [],
      history: { days: 20, recordedDays: 20 },
    });
    // Enough days, and too many between them are missing.
    await insertBacklog(70, '1', 60);
    expect((await forecastOf()).reason).toMatch(/of 70 days are missing/);
  });

  it('tells the weekday, how far each method was off, and uses the one that was nearer', async () => {
    await insertBacklog(70, '1000 + 100 * (n % 7)');
    const { status, evaluation, points, history } = await forecastOf('&days=7');
    expect({ status, history }).toMatchObject({ status: 'ready', history: { days: 70, recordedDays: 70 } });
    expect(evaluation).toMatchObject({ heldOutDays: 7, method: 'holt-winters' });
    expect(evaluation!.holtWinters.mae).toBeLessThan(evaluation!.naive.mae);
    // Today is n = 0, tomorrow n = -1, which is as n = 6.
    expect(points.map(({ expired }) => Math.round(expired / 100))).toEqual([10, 16, 15, 14, 13, 12, 11]);
    const today = (await rows(`select to_char(now() at time zone 'UTC', 'YYYY-MM-DD') as day`))[0]!['day'];
    expect(points[0]!.date).toBe(today);
  });

  it('suggests schedule and batch size by the speed of the last week, with the reason', async () => {
    expect((await forecastOf()).suggestion).toMatchObject({
      batchSize: 1_000,
      reason: expect.stringContaining('Nothing of it was removed'),
    });
    await insertRun({ deleted: 1_400 });
    expect((await forecastOf()).suggestion).toEqual({
      schedule: '0 2 * * *',
      batchSize: 7_000,
      reason:
        'Up to 200 rows in a day (as in the last 7; there is no forecast yet) at the 70,000 rows/s of the last 7 days take 1 s: one run is enough',
    });
  });

  it('case 43: days and types that are none are refused', async () => {
    for (const query of ['days=0', 'days=-1', 'days=31', 'days=1000000000', 'days=1;DROP', 'type=users'])
      expect((await ask(`forecast?${encodeURI(query)}`, 400)).body.code, query).toBe('validation_failed');
    for (const query of ['days=0', 'days=367', 'type[]=session']) await ask(`history/chart?${query}`, 400);
    for (const query of ['cursor=x', 'limit=201', 'status=gone']) await ask(`history?${query}`, 400);
    await ask('history/1;DROP/batches', 400);
  });
});

describe('C11 the record of the backlog', () => {
  const historyOf = async (type: string): Promise<unknown> =>
    ((await ask(`forecast?type=${type}`)).body as ForecastsView).types[0]!.history;

  it('has a row for each type and slot, of which each day counts with its most, once it is over', async () => {
    await rows(`insert into login_attempts (key, failures, expires_at)
      select sha256(n::text::bytea), 1, now() - interval '1 minute' from generate_series(1, 3) n`);
    const slot = new Date(Date.now() - 86_400_000);
    const record = async (at: Date): Promise<unknown> =>
      tenon.app
        .get(Schedules)
        .list()
        .find(({ id }) => id === 'cleanup-backlog-hourly')!
        .run(new AbortController().signal, at);
    for (let twice = 0; twice < 2; twice += 1) await record(slot);
    await rows('delete from login_attempts');
    await record(new Date(slot.getTime() + 1));
    expect((await rows('select count(*)::int from cleanup_backlog'))[0]).toEqual({ count: 2 * TYPE_NAMES.length });
    expect(await rows(`select expired::int from cleanup_backlog where type = 'login_attempt' order by at`)).toEqual([
      { expired: 3 },
      { expired: 0 },
    ]);
    const day = slot.toISOString().slice(0, 10);
    expect(await historyOf('login_attempt')).toEqual({ from: day, days: 1, recordedDays: 1 });
    await rows(`update cleanup_backlog set at = at + interval '1 day'`);
    expect(await historyOf('login_attempt')).toMatchObject({ from: null, recordedDays: 0 });
  });

  it('is kept for 13 months', async () => {
    await insertBacklog(500, 'n');
    const removed = await removeExpired(tenon.app, expiredBacklog, 50);
    const [{ left }] = (await rows('select count(*)::int as left from cleanup_backlog')) as [{ left: number }];
    expect(removed + left).toBe(500);
    expect(left).toBeGreaterThanOrEqual(395);
    expect(left).toBeLessThanOrEqual(398);
  });
});

it('C11 is for platform admins', async () => {
  const { auth } = await openSession(tenon, (await insertPerson(tenon.db)).userId);
  for (const path of ['history', 'history/chart', 'forecast', `history/${newId()}/batches`])
    await tenon.http.get(`${PATH}/${path}`).set(auth).expect(403);
});
