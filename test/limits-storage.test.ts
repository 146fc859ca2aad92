import { execFile } from 'node:child_process';
import { createSecretKey } from 'node:crypto';
import { promisify } from 'node:util';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expiredLimits } from '../src/limits/limits.cleanup.js';
import { PostgresLimitStorage } from '../src/limits/postgres-limit-storage.js';
import { removeExpired } from './harness/cleanup.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { startProbe } from './limits.probe.js';

const SECRET = createSecretKey(Buffer.alloc(32, 9));
const MINUTE_MS = 60_000;

describe('P5 storage of rate limits', () => {
  let db: TestDatabase;
  const pools: Pool[] = [];
  const storageOn = (url: string): PostgresLimitStorage => {
    const pool = new Pool({ connectionString: url, max: 4 });
    pool.on('error', () => undefined);
    pools.push(pool);
    return new PostgresLimitStorage(async () => pool, SECRET);
  };
  beforeAll(async () => {
    db = await createDatabase();
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await db.drop();
  });

  it('four processes and a limit of 100 let exactly 100 through', async () => {
    const places = (await Promise.all(Array.from({ length: 4 }, () => hitsOfAProcess(db.appUrl, 'four', 100)))).flat();
    expect(places.filter(({ isBlocked }) => !isBlocked)).toHaveLength(100);
    expect(places.map(({ totalHits }) => totalHits).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 400 }, (_, index) => index + 1),
    );
  });

  it('one process with 400 at once gives each its own place', async () => {
    const storage = storageOn(db.appUrl);
    const records = await Promise.all(
      Array.from({ length: 400 }, () => storage.increment('one', MINUTE_MS, 100, MINUTE_MS, 'test')),
    );
    expect(records.map(({ totalHits }) => totalHits)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
    expect(records.filter(({ isBlocked }) => isBlocked)).toHaveLength(300);
    expect(records[399]).toEqual({ totalHits: 400, timeToExpire: 60, isBlocked: true, timeToBlockExpire: 60 });
  });

  it('instances that count the same keys in other orders do not lock each other out', async () => {
    const storages = Array.from({ length: 4 }, () => storageOn(db.appUrl));
    const keys = Array.from({ length: 100 }, (_, index) => `crossed ${index}`);
    for (let round = 0; round < 10; round += 1)
      await Promise.all(
        storages.flatMap((storage, index) =>
          (index % 2 ? keys : keys.toReversed()).map((key) =>
            storage.increment(key, MINUTE_MS, 100, MINUTE_MS, 'crossed'),
          ),
        ),
      );
    const { rows } = await db.sql.query(
      `select hits, count(*)::int from rate_limit_tracking where policy = 'crossed' group by hits`,
    );
    expect(rows).toEqual([{ hits: 40, count: 100 }]);
  });

  it('a window ends when the database says so, and the next one starts at one', async () => {
    const storage = storageOn(db.appUrl);
    const hit = () => storage.increment('window', MINUTE_MS, 2, MINUTE_MS, 'window');
    const before = [await hit(), await hit(), await hit()];
    expect(before.map(({ isBlocked }) => isBlocked)).toEqual([false, false, true]);
    await db.sql.query(`update rate_limit_tracking set expires_at = now() where policy = 'window'`);
    expect(await hit()).toEqual({ totalHits: 1, timeToExpire: 60, isBlocked: false, timeToBlockExpire: 0 });
  });

  it('tells the seconds that are left of the window, not its length', async () => {
    const storage = storageOn(db.appUrl);
    await storage.increment('rest', MINUTE_MS, 2, MINUTE_MS, 'rest');
    await db.sql.query(
      `update rate_limit_tracking set expires_at = now() + interval '20 minutes' where policy = 'rest'`,
    );
    expect(await storage.increment('rest', MINUTE_MS, 2, MINUTE_MS, 'rest')).toMatchObject({
      totalHits: 2,
      timeToExpire: 1200,
    });
  });

  it('case 12: neither address nor e-mail stands in the table', async () => {
    await storageOn(db.appUrl).increment('auth-recipient ada@example.com', MINUTE_MS, 2, MINUTE_MS, 'hidden');
    const { rows } = await db.sql.query(`select * from rate_limit_tracking where policy = 'hidden'`);
    expect(rows[0].key).toHaveLength(16);
    expect(JSON.stringify(rows)).not.toContain('ada');
  });

  it("case 4: the application's login cannot remove a count", async () => {
    const [pool] = pools;
    await expect(pool!.query('delete from rate_limit_tracking')).rejects.toThrow('permission denied');
    await expect(pool!.query('truncate rate_limit_tracking')).rejects.toThrow('permission denied');
  });

  it('case 14: when no connection comes, everybody who waits is told at once', async () => {
    const pool = new Pool({ connectionString: db.appUrl, max: 1 });
    pools.push(pool);
    const storage = new PostgresLimitStorage(async () => pool, SECRET);
    const held = await pool.connect();
    // From here on only: a machine with much to do may take longer than that for the connection that is held.
    pool.options.connectionTimeoutMillis = 200;
    const answers = await Promise.allSettled(
      Array.from({ length: 50 }, () => storage.increment('starved', MINUTE_MS, 2, MINUTE_MS, 'starved')),
    );
    held.release();
    expect(answers.every(({ status }) => status === 'rejected')).toBe(true);
    expect(await storage.increment('starved', MINUTE_MS, 2, MINUTE_MS, 'starved')).toMatchObject({ totalHits: 1 });
  });
});

describe('P5 expired limits', () => {
  it('are removed in batches, without those of running windows', async () => {
    const db = await createDatabase();
    const probe = await startProbe(db.appUrl);
    try {
      await db.sql.query(`
        insert into rate_limit_tracking select decode(md5(n::text), 'hex'), 'api-ip', 1, now() - interval '1 hour',
               now() + case when n <= 250 then -1 else 1 end * interval '1 minute' * (n % 7 + 1)
          from generate_series(1, 300) as n`);
      expect(await removeExpired(probe.app, expiredLimits, 20)).toBe(250);
      const { rows } = await db.sql.query(
        'select count(*)::int, min(expires_at) > now() as running from rate_limit_tracking',
      );
      expect(rows).toEqual([{ count: 50, running: true }]);
    } finally {
      await probe.app.close();
      await db.drop();
    }
  });
});

/** A process of its own that hits one key `count` times at once, with a limit of 100. */
async function hitsOfAProcess(
  url: string,
  key: string,
  count: number,
): Promise<{ totalHits: number; isBlocked: boolean }[]> {
  const script = `
    import { createSecretKey } from 'node:crypto';
    import { Pool } from 'pg';
    const [url, key, count, module] = process.argv.slice(1);
    const { PostgresLimitStorage } = await import(module);
    const pool = new Pool({ connectionString: url, max: 4 });
    const storage = new PostgresLimitStorage(async () => pool, createSecretKey(Buffer.alloc(32, 9)));
    const hits = Array.from({ length: Number(count) }, () => storage.increment(key, 60_000, 100, 60_000, 'test'));
    console.log(JSON.stringify(await Promise.all(hits)));
    await pool.end();`;
  const module = new URL('../src/limits/postgres-limit-storage.ts', import.meta.url).href;
  const args = ['--no-warnings', '--input-type=module', '--eval', script, '--', url, key, String(count), module];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as { totalHits: number; isBlocked: boolean }[];
}
