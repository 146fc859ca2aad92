import { RequestContext } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import type { Response, Test } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuditPartitions } from '../src/audit/audit.cleanup.js';
import { AuditService } from '../src/audit/audit.service.js';
import { Actor } from '../src/kernel/actor.js';
import { firstIdAt, newId } from '../src/kernel/ids.js';
import { ADMIN, startApp, type TestApp } from './harness/app.js';
import { newPerson } from './harness/people.js';

function startOfMonth(ahead: number): Date {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
}

function partitionOf(ahead: number): string {
  return `audit_log_p${startOfMonth(ahead).toISOString().slice(0, 7).replace('-', '')}`;
}

let tenon: TestApp;
let em: EntityManager;
beforeAll(async () => {
  tenon = await startApp();
  em = tenon.app.get(EntityManager);
});
afterAll(() => tenon.close());

/** Runs `work` as a request would: with an EntityManager of its own. */
async function inContext(work: (em: EntityManager) => Promise<unknown>): Promise<void> {
  await RequestContext.create(em, () => work(em));
}

/** Runs `work` as the application's login, as somebody who injects SQL would. */
async function asLogin<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: tenon.db.appUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

describe('U1 trail', () => {
  const audit = (): AuditService => tenon.app.get(AuditService);

  it('case 6: an entry commits with its change and goes with it', async () => {
    const kept = newId();
    const lost = newId();
    await inContext((em) =>
      em.transactional(async () =>
        audit().record(Actor.system('test'), 'test.kept', { target: { type: 'test', id: kept } }),
      ),
    );
    await expect(
      inContext((em) =>
        em.transactional(async (inner) => {
          audit().record(Actor.system('test'), 'test.lost', { target: { type: 'test', id: lost } });
          await inner.flush();
          throw new Error('the change failed');
        }),
      ),
    ).rejects.toThrow('the change failed');
    const { rows } = await tenon.db.sql.query('select target_id from audit_log where target_id in ($1, $2)', [
      kept,
      lost,
    ]);
    expect(rows).toEqual([{ target_id: kept }]);
  });

  it('case 6: a change whose entry cannot be written is rolled back', async () => {
    await tenon.db.sql.query('create table changed (id int)');
    await tenon.db.sql.query('grant insert on changed to tenon_app');
    await tenon.db.sql.query(
      `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'the trail is broken'; end $$`,
    );
    await tenon.db.sql.query('create trigger refuse before insert on audit_log for each row execute function refuse()');
    try {
      await expect(
        inContext((em) =>
          em.transactional(async (inner) => {
            await inner.execute('insert into changed values (1)');
            audit().record(Actor.system('test'), 'test.changed');
          }),
        ),
      ).rejects.toThrow('the trail is broken');
      expect((await tenon.db.sql.query('select * from changed')).rows).toEqual([]);
    } finally {
      await tenon.db.sql.query('drop trigger refuse on audit_log; drop function refuse; drop table changed');
    }
  });

  it('keeps who acted, from where, in which request', async () => {
    const userId = newId();
    const actor = Actor.user(
      { ip: '203.0.113.7', userAgent: `curl\0${'x'.repeat(9000)}`, requestId: 'r-1' },
      { userId, sessionId: newId() },
    );
    await inContext((em) =>
      em.transactional(async () =>
        audit().record(actor, 'test.acted', { before: { a: 1 }, after: { a: 2 }, outcome: 'failure', reason: 'no' }),
      ),
    );
    const { rows } = await tenon.db.sql.query('select * from audit_log where actor_id = $1', [userId]);
    expect(rows[0]).toMatchObject({
      actor_kind: 'user',
      user_id: userId,
      session_id: actor.sessionId,
      action: 'test.acted',
      outcome: 'failure',
      reason: 'no',
      before: { a: 1 },
      after: { a: 2 },
      ip: '203.0.113.7',
      request_id: 'r-1',
    });
    expect(rows[0].user_agent).toMatch(/^curlx{500}/);
  });
});

describe('U1 reading the trail', () => {
  let token: string;
  let requestId: string;
  beforeAll(async () => {
    const { body, headers } = await tenon.http.post('/api/v1/auth/login').send(ADMIN).expect(200);
    token = body.accessToken;
    requestId = headers['x-request-id']!;
  });
  const search = (query: Record<string, unknown>): Test =>
    tenon.http.get('/api/v1/admin/audit-log').query(query).auth(token, { type: 'bearer' });
  const events = (query: Record<string, string | number> = {}): Test =>
    tenon.http.get('/api/v1/users/me/security-events').query(query).auth(token, { type: 'bearer' });
  /** Entries past the service, `count` of them, oldest first. */
  async function seed(count: number, columns: Record<string, unknown>): Promise<string[]> {
    const ids = Array.from({ length: count }, () => newId());
    const names = ['id', ...Object.keys(columns)];
    const places = names.map((_, at) => `$${at + 1}`);
    for (const id of ids)
      await tenon.db.sql.query(
        `insert into audit_log (occurred_at, actor_kind, action, outcome, ${names.join(', ')})
         values (now(), 'system', 'seed.made', 'success', ${places.join(', ')})`,
        [id, ...Object.values(columns)],
      );
    return ids;
  }

  it('is the platform admin’s alone', async () => {
    await tenon.http.get('/api/v1/admin/audit-log').expect(401);
    const member = await newPerson(tenon);
    const { body } = await tenon.http
      .get('/api/v1/admin/audit-log')
      .auth(member.accessToken, { type: 'bearer' })
      .expect(403);
    expect(body.code).toBe('permission_denied');
    const { body: page } = await search({ action: 'permission.denied', actorId: member.userId }).expect(200);
    expect(page.data).toMatchObject([{ outcome: 'failure', actorId: member.userId, actorKind: 'user' }]);
  });

  it('shows every field, newest first', async () => {
    const { body } = await search({ requestId }).expect(200);
    expect(body.data.length).toBeGreaterThan(0);
    expect(body.data[0]).toMatchObject({
      requestId,
      outcome: 'success',
      ip: expect.any(String),
      occurredAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(Object.keys(body.data[0]).toSorted()).toEqual([
      'action',
      'actorFullName',
      'actorId',
      'actorKind',
      'actorName',
      'actorRole',
      'after',
      'apiKeyId',
      'before',
      'id',
      'impersonatorId',
      'ip',
      'occurredAt',
      'organizationId',
      'outcome',
      'reason',
      'requestId',
      'sentence',
      'sessionId',
      'targetId',
      'targetType',
      'userAgent',
      'userFullName',
      'userId',
    ]);
    const all = await search({ limit: 200 }).expect(200);
    const ids = all.body.data.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(ids.toSorted().toReversed());
    // Reading the trail shows no secret of it: no token, no password, no hash of one.
    expect(JSON.stringify(all.body)).not.toMatch(/argon2|eyJ|seven quiet/);
  });

  it('P7 pages by keyset without gap or repetition, also while entries are added', async () => {
    const target = newId();
    const ids = await seed(25, { target_type: 'seed', target_id: target });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { body }: Response = await search({ targetId: target, limit: 10, ...(cursor ? { cursor } : {}) }).expect(
        200,
      );
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      expect(body.meta.hasNext).toBe(body.meta.nextCursor !== null);
      cursor = body.meta.nextCursor;
      await seed(1, { target_type: 'seed', target_id: target });
    } while (cursor);
    expect(seen).toEqual(ids.toReversed());
  });

  it('finds by every filter', async () => {
    const one = {
      actor_id: newId(),
      user_id: newId(),
      organization_id: newId(),
      target_type: 'seed',
      target_id: `x_${newId()}`,
    };
    const [id] = await seed(1, one);
    await seed(1, {});
    const filters = {
      actorId: one.actor_id,
      userId: one.user_id,
      organizationId: one.organization_id,
      targetId: one.target_id,
    };
    for (const [name, value] of Object.entries({ ...filters, q: one.target_id })) {
      const { body } = await search({ [name]: value }).expect(200);
      expect(
        body.data.map((entry: { id: string }) => entry.id),
        name,
      ).toEqual([id]);
    }
    const together = await search({ ...filters, targetType: 'seed', action: 'seed.*', outcome: 'success' }).expect(200);
    expect(together.body.data).toHaveLength(1);
    expect((await search({ ...filters, outcome: 'failure' }).expect(200)).body.data).toEqual([]);
    expect((await search({ ...filters, action: 'seed' }).expect(200)).body.data).toEqual([]);
  });

  it('takes % and _ of an action for themselves', async () => {
    await seed(1, { target_id: 'underscore' });
    await tenon.db.sql.query(`update audit_log set action = 'seedXmade.once' where target_id = 'underscore'`);
    expect((await search({ action: 'seed_made.*' }).expect(200)).body.data).toEqual([]);
    await search({ action: 'seed%' }).expect(400);
  });

  it('finds by time, over the months', async () => {
    const target = newId();
    for (const [month, at] of [
      ['2026-11', '2026-11-30T23:59:59.500Z'],
      ['2026-12', '2026-12-01T00:00:00.000Z'],
    ] as const)
      await tenon.db.sql.query(
        `insert into audit_log (id, occurred_at, actor_kind, action, outcome, target_id, reason) values ($1, $2, 'system', 'seed.timed', 'success', $3, $4)`,
        [
          firstIdAt(Date.parse(at)).replace(/0000-0000-000000000000$/, `7000-8000-${target.slice(-12)}`),
          at,
          target,
          month,
        ],
      );
    const between = async (from?: string, to?: string): Promise<string[]> => {
      const { body } = await search({ targetId: target, ...(from && { from }), ...(to && { to }) }).expect(200);
      return body.data.map(({ reason }: { reason: string }) => reason);
    };
    expect(await between()).toEqual(['2026-12', '2026-11']);
    expect(await between('2026-12-01')).toEqual(['2026-12']);
    expect(await between(undefined, '2026-12-01T00:00:00Z')).toEqual(['2026-11']);
    expect(await between('2026-11-30T18:59:59.500-05:00', '2026-12-01T00:00:00.001Z')).toEqual(['2026-12', '2026-11']);
    expect(await between('2027-01-01')).toEqual([]);
    expect(await between('9999-12-31')).toEqual([]);
    expect(await between('1970-01-01', '1970-01-02')).toEqual([]);
  });

  it('a request of the last moment that an id can name has no entries', async () => {
    const { body } = await search({ requestId: 'ffffffff-ffff-7fff-bfff-ffffffffffff' }).expect(200);
    expect(body.data).toEqual([]);
  });

  it.each([
    { from: '99999-13-45' },
    { from: 'now(); drop table users' },
    { to: '2026-02-30' },
    { to: `2026-11-21' or '1'='1` },
    { cursor: `'; select pg_sleep(10); --` },
    { cursor: Buffer.from(`0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00' or true --`).toString('base64url') },
    { cursor: Buffer.from(`not an id`).toString('base64url') },
    { limit: 0 },
    { limit: 201 },
    { limit: -1 },
    { limit: '1e2; drop' },
    { actorId: `' or 1=1 --` },
    { userId: 'null' },
    { action: `login' or true` },
    { action: '*' },
    { outcome: 'maybe' },
    { targetType: `user' --` },
    { actorRole: `owner' --` },
    { q: 'x' },
    { q: '  x  ' },
    { q: 'x'.repeat(101) },
    { q: 'two\nlines' },
    { q: ['one', 'two'] },
    { targetId: 'a\0b' },
    { requestId: 'x' },
    { actorId: [newId(), newId()] },
    { sort: 'id; drop table users' },
    { 'actorId[$ne]': 'x' },
    { __proto__x: '1' },
  ])('case 8: refuses %j with 400', async (query) => {
    const { body } = await search(query).expect(400);
    expect(body.code).toBe('validation_failed');
  });

  it('A10 shows me what happened to my account, and nothing of others', async () => {
    const member = await newPerson(tenon);
    const mine = (query = {}): Test =>
      tenon.http.get('/api/v1/users/me/security-events').query(query).auth(member.accessToken, { type: 'bearer' });
    await tenon.http.get('/api/v1/users/me/security-events').expect(401);
    const before = await mine().expect(200);
    expect(before.body.data.length).toBeGreaterThan(0);
    const stranger = await events({ limit: 200 }).expect(200);
    const known = new Set(stranger.body.data.map(({ id }: { id: string }) => id));
    expect(before.body.data.some(({ id }: { id: string }) => known.has(id))).toBe(false);

    const [admins] = await seed(1, {
      user_id: member.userId,
      actor_id: newId(),
      ip: '198.51.100.9',
      user_agent: 'admin browser',
    });
    await tenon.db.sql.query(`update audit_log set actor_kind = 'user', action = 'user.status_changed' where id = $1`, [
      admins,
    ]);
    const { body } = await mine({ limit: 1 }).expect(200);
    expect(body.data).toEqual([
      {
        id: admins,
        at: expect.any(String),
        action: 'user.status_changed',
        outcome: 'success',
        sentence: 'User status changed by an administrator',
        ip: null,
        userAgent: null,
      },
    ]);
    expect(body.meta.hasNext).toBe(true);
    const next = await mine({ limit: 200, cursor: body.meta.nextCursor }).expect(200);
    expect(next.body.data.map(({ id }: { id: string }) => id)).toEqual(
      before.body.data.map(({ id }: { id: string }) => id),
    );
    await mine({ userId: newId() }).expect(400);
  });
});

describe('O8 the trail and its policies cannot be changed by the application', () => {
  it.each([
    ['update audit_log set action = action', /permission denied/],
    ['delete from audit_log', /permission denied/],
    ['truncate audit_log', /permission denied/],
    ['delete from audit_log_default', /permission denied/],
    ['drop table audit_log', /must be owner/],
    ['alter table audit_log disable row level security', /must be owner/],
    ['alter table audit_log no force row level security', /must be owner/],
    ['alter table audit_log detach partition audit_log_default', /must be owner/],
    ['drop policy app_leaves on audit_log', /must be owner/],
    ['alter policy tenant_reads on audit_log using (true)', /must be owner/],
    ['create policy mine on audit_log to tenon_app using (true)', /must be owner/],
    [
      'create trigger mine before insert on audit_log for each row execute function update_updated_at_column()',
      /permission denied/,
    ],
    ['alter table audit_log owner to current_user', /must be owner/],
    ['alter table users disable row level security', /must be owner/],
    ['set role tenon_owner', /permission denied/],
    ['set session authorization tenon_owner', /permission denied/],
    ['grant tenon_owner to current_user', /permission denied|must have admin option/],
    ['alter role current_user bypassrls', /permission denied|must be superuser/],
    ['alter role current_user superuser', /permission denied|must be superuser/],
    ['alter role current_user inherit createrole', /permission denied|must be superuser/],
    ['create table mine (id int)', /permission denied/],
    ['create schema mine', /permission denied/],
    ['select create_audit_partitions(3)', /permission denied/],
    ['update schema_migrations set name = name', /permission denied/],
  ])('case 4: %s', async (statement, refusal) => {
    // Who owns the schema differs between installations.
    const owner = decodeURIComponent(new URL(tenon.db.ownerUrl).username);
    await asLogin(async (client) => {
      await expect(client.query(statement.replaceAll('tenon_owner', `"${owner}"`))).rejects.toThrow(refusal);
    });
  });

  it('case 4: neither may the system role', async () => {
    await asLogin(async (client) => {
      await client.query('set role tenon_system');
      for (const statement of ['update audit_log set action = action', 'delete from audit_log', 'truncate audit_log'])
        await expect(client.query(statement)).rejects.toThrow(/permission denied/);
    });
  });

  it('case 4: a query without tenant context finds nothing, and context is asked for in the role that the login has', async () => {
    await tenon.db.sql.query(
      `insert into audit_log (id, occurred_at, organization_id, actor_kind, action, outcome) values ($1, now(), $2, 'system', 'test.tenant', 'success')`,
      [newId(), newId()],
    );
    await asLogin(async (client) => {
      expect((await client.query('select * from audit_log')).rows).toEqual([]);
      // A pooled connection returns '' after the variable's first use.
      await client.query(`begin; select set_config('app.organization_id', '${newId()}', true); commit`);
      expect((await client.query('select * from audit_log')).rows).toEqual([]);
    });
  });
});

describe('U5 partitions of the trail', () => {
  it('has those of this month and the next three, forced and closed to the login', async () => {
    const months = [0, 1, 2, 3].map(partitionOf);
    const { rows } = await tenon.db.sql.query(
      `select c.relname as name, relrowsecurity and relforcerowsecurity as forced, has_table_privilege('tenon_app', c.oid, 'select, insert') as open,
              pg_get_expr(relpartbound, c.oid) as bounds
         from pg_inherits join pg_class c on c.oid = inhrelid where inhparent = 'audit_log'::regclass order by 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual(['audit_log_default', ...months]);
    expect(rows.every(({ forced, open }) => forced && !open)).toBe(true);
    expect(rows[1].bounds).toBe(
      `FOR VALUES FROM ('${firstIdAt(startOfMonth(0).getTime())}') TO ('${firstIdAt(startOfMonth(1).getTime())}')`,
    );
  });

  it('counts the bounds in UTC wherever the session is', async () => {
    const client = await tenon.db.sql.connect();
    try {
      await client.query(`begin; set local timezone = 'America/New_York'`);
      await client.query('select create_audit_partitions(14)');
      const { rows } = await client.query<{ bounds: string }>(
        `select pg_get_expr(relpartbound, c.oid) as bounds from pg_inherits join pg_class c on c.oid = inhrelid
          where inhparent = 'audit_log'::regclass and relname <> 'audit_log_default' order by relname`,
      );
      const ranges = rows.map(({ bounds }) => /FROM \('(.*)'\) TO \('(.*)'\)/.exec(bounds)!.slice(1));
      for (const [index, [from]] of ranges.entries()) {
        const start = new Date(Number.parseInt(from!.replaceAll('-', '').slice(0, 12), 16));
        expect(start.toISOString()).toMatch(/-01T00:00:00.000Z$/);
        if (index > 0) expect(from).toBe(ranges[index - 1]![1]);
      }
    } finally {
      await client.query('rollback');
      client.release();
    }
  });

  it('agrees with the application about the first id of a time', async () => {
    const at = new Date('2026-11-21T08:00:00.123Z');
    const { rows } = await tenon.db.sql.query('select uuid_v7_floor($1) as id', [at]);
    expect(rows[0].id).toBe(firstIdAt(at.getTime()));
  });

  it('takes an entry of a month that nobody made, and gives it its place when the month is made', async () => {
    const later = startOfMonth(8).getTime();
    const id = firstIdAt(later).replace(/0000-0000-000000000000$/, '7000-8000-000000000001');
    await inContext((em) =>
      em.execute(
        `insert into audit_log (id, occurred_at, actor_kind, action, outcome) values (?, now(), 'system', 'test.late', 'success')`,
        [id],
      ),
    );
    const placeOf = async (): Promise<string> =>
      (await tenon.db.sql.query('select tableoid::regclass::text as place from audit_log where id = $1', [id])).rows[0]
        .place;
    expect(await placeOf()).toBe('audit_log_default');
    await asLogin(async (client) => {
      await client.query('set role tenon_system');
      await client.query('select create_audit_partitions(9)');
    });
    expect(await placeOf()).toBe(partitionOf(8));
    const { rows } = await tenon.db.sql.query(
      `select bool_and(relforcerowsecurity) as forced from pg_class where relname ~ '^audit_log'  and relkind in ('r', 'p')`,
    );
    expect(rows[0].forced).toBe(true);
  });

  it('makes what is missing by the daily schedule, once', async () => {
    expect(await createAuditPartitions(em)).toBe(0);
    await tenon.db.sql.query(`drop table ${partitionOf(3)}`);
    const made = await Promise.all([1, 2, 3].map(() => createAuditPartitions(em)));
    expect(made.toSorted()).toEqual([0, 0, 1]);
  });

  it('reads only the months that a search asks for', async () => {
    const from = firstIdAt(Date.now() - 60_000);
    const to = firstIdAt(Date.now() + 60_000);
    const { rows } = await tenon.db.sql.query(
      `explain select * from audit_log where id >= '${from}' and id < '${to}' order by id desc limit 50`,
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain(`Index Scan Backward using ${partitionOf(0)}`);
    expect(plan).not.toContain(partitionOf(2));
    expect(plan).not.toContain('default');
  });
});
