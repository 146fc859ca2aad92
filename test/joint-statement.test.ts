import { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ormOptions } from '../config/mikro-orm.config.js';
import { JointStatement } from '../src/database/joint-statement.js';
import { systemStatements } from '../src/database/tenant-context.js';
import { entities } from '../src/entities.js';
import { atOnce, insertPerson } from './harness/accounts.js';
import { PASSWORD, startApp, type TestApp } from './harness/app.js';
import { PostgresProxy } from './harness/postgres-proxy.js';

type Person = Awaited<ReturnType<typeof insertPerson>>;

/** Answers the last first. */
const SQL = `select place, 60 / (asked->>'by')::int as part, txid_current()::text as transaction
               from jsonb_array_elements(?::jsonb) with ordinality as all_asked (asked, place) order by place desc`;

let tenon: TestApp;
beforeAll(async () => {
  tenon = await startApp();
});
afterAll(() => tenon.close());

describe('O8 a statement for all who ask at once', () => {
  let proxy: PostgresProxy;
  let orm: MikroORM;
  let joint: JointStatement<{ by: number }, { part: number; transaction: string }>;
  beforeAll(async () => {
    proxy = await PostgresProxy.start(tenon.db.appUrl);
    orm = await MikroORM.init(ormOptions(proxy.url, entities, 4));
    joint = new JointStatement(systemStatements(orm.em), SQL);
  });
  afterAll(async () => {
    await orm.close();
    await proxy.close();
  });
  const ask = (...divisors: number[]) => Promise.allSettled(divisors.map((by) => joint.ask({ by })));

  it('gives each its own row, of one transaction', async () => {
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((by) => joint.ask({ by })));
    expect(answers.map(({ part }) => part)).toEqual([60, 30, 20, 15, 12, 10]);
    expect(new Set(answers.map(({ transaction }) => transaction)).size).toBe(1);
  });

  it('those of another turn have another transaction, and so have those beyond 32', async () => {
    const first = await joint.ask({ by: 1 });
    const answers = await Promise.all(Array.from({ length: 70 }, () => joint.ask({ by: 2 })));
    expect(new Set([first, ...answers].map(({ transaction }) => transaction)).size).toBe(4);
  });

  it('what is wrong with one is told to it alone', async () => {
    const [first, second, third] = await ask(1, 0, 3);
    expect(first).toMatchObject({ status: 'fulfilled', value: { part: 60 } });
    expect(second).toMatchObject({ status: 'rejected', reason: { message: 'division by zero', code: '22012' } });
    expect(third).toMatchObject({ status: 'fulfilled', value: { part: 20 } });
  });

  it('is asked once when the connection is lost, since nobody knows what was done', async () => {
    const lost = new JointStatement(systemStatements(orm.em), `select pg_sleep(60), ?::jsonb as asked`);
    const answers = Promise.allSettled([lost.ask({}), lost.ask({})]);
    const asking = `select pid from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()
                       and datname = current_database() and state = 'active'`;
    await expect.poll(async () => (await tenon.db.sql.query(asking)).rowCount).toBe(1);
    proxy.cut();
    for (const answer of await answers) {
      expect(answer).toMatchObject({ status: 'rejected' });
      expect(String((answer as PromiseRejectedResult).reason)).toMatch(/terminated|ECONNRESET/);
    }
    expect((await ask(1))[0]).toMatchObject({ value: { part: 60 } });
  });
});

describe('A3 many sign-ins at once', () => {
  const login = (email: string, app: TestApp = tenon) =>
    app.http.post('/api/v1/auth/login').send({ email, password: PASSWORD });
  const people = (count: number): Promise<Person[]> =>
    Promise.all(Array.from({ length: count }, () => insertPerson(tenon.db)));
  const waiting = async (): Promise<number> =>
    (
      await tenon.db.sql.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
    ).rowCount!;

  it('share transactions, and each has its session, its entry and its own answer', async () => {
    const all = await people(20);
    const answers = await Promise.all(all.map(({ email }) => login(email).expect(200)));
    expect(answers.map(({ body }) => body.user.id)).toEqual(all.map(({ userId }) => userId));
    const { rows } = await tenon.db.sql.query(
      `select s.user_id, s.xmin::text as transaction, e.target_id = s.id::text as told
         from user_sessions s join audit_log e on e.user_id = s.user_id and e.action = 'session.opened'
        where s.user_id = any($1)`,
      [all.map(({ userId }) => userId)],
    );
    expect(rows).toHaveLength(20);
    expect(rows.every(({ told }) => told)).toBe(true);
    expect(new Set(rows.map(({ transaction }) => transaction)).size).toBeLessThan(20);
  });

  it.each([
    ['account', 'select from users where id = $1 for update', ({ userId }: Person) => userId],
    ['count of failures', `select from login_attempts where $1::text <> '' for update`, ({ email }: Person) => email],
  ])('somebody holds the %s of one: the others are let in, and that one when it is free', async (_, sql, of) => {
    const all = await people(8);
    const [held, ...others] = all as [Person, ...Person[]];
    await login(held.email).expect(200);
    await tenon.http.post('/api/v1/auth/login').send({ email: held.email, password: 'nine purple kettles sing' });
    const client = await tenon.db.sql.connect();
    try {
      await client.query('begin');
      await client.query(sql, [of(held)]);
      let done = false;
      const late = login(held.email).then((answer) => {
        done = true;
        return answer;
      });
      for (const answer of await Promise.all(others.map(({ email }) => login(email)))) expect(answer.status).toBe(200);
      await expect.poll(waiting).toBe(1);
      expect(done).toBe(false);
      await client.query('commit');
      expect((await late).status).toBe(200);
    } finally {
      client.release(true);
    }
  });

  it('whoever waits for a change of the password is not let in by the old one; the others are', async () => {
    const all = await people(8);
    const [changing, ...others] = all as [Person, ...Person[]];
    const client = await tenon.db.sql.connect();
    try {
      await client.query('begin');
      await client.query('update password_credentials set changed_at = now() where user_id = $1', [changing.userId]);
      const late = login(changing.email).then((answer) => answer);
      for (const answer of await Promise.all(others.map(({ email }) => login(email)))) expect(answer.status).toBe(200);
      await expect.poll(waiting).toBe(1);
      await client.query('commit');
      expect((await late).body.code).toBe('invalid_credentials');
    } finally {
      client.release(true);
    }
    const { rows } = await tenon.db.sql.query('select from user_sessions where user_id = $1', [changing.userId]);
    expect(rows).toEqual([]);
  });

  it('two instances that sign in the same people again and again wait for each other in no circle', async () => {
    const other = await startApp({ db: tenon.db });
    try {
      const all = await people(10);
      const answers = await atOnce(120, (index) =>
        login(all[(index * 7) % 10]!.email, index % 2 === 0 ? tenon : other),
      );
      const statuses = answers.map(({ status }) => status);
      // Ten of an account are checked at a time.
      expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
      expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(60);
    } finally {
      await other.close();
    }
  });
});
