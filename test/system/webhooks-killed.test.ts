import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startApp } from '../harness/app.js';
import { passLocksOfKilled, startChild } from '../harness/child-instance.js';
import { createDatabase, type TestDatabase } from '../harness/database.js';
import { signInAdmin } from '../harness/people.js';
import { type Receiver, startReceiver, verified } from '../harness/receiver.js';

const ENV = { WEBHOOK_TARGETS: 'any', PUBLIC_URL: 'http://tenon.test' };
const EVENTS = 25;

let db: TestDatabase;
let receiver: Receiver;
beforeEach(async () => {
  [db, receiver] = [await createDatabase(), await startReceiver()];
});
afterEach(async () => {
  await receiver.close();
  await db.drop();
});

/** Makes a webhook, by an instance that is closed again, and leaves events for it. */
async function leaveEvents(): Promise<string> {
  const tenon = await startApp({ db, env: ENV });
  const admin = await signInAdmin(tenon);
  const { body } = await tenon.http
    .post('/api/v1/webhooks')
    .set(admin.auth)
    .send({ url: receiver.url, eventTypes: ['plan.updated'] })
    .expect(201);
  await tenon.close();
  await db.sql.query(
    `insert into audit_log (id, occurred_at, actor_kind, action, outcome, target_id)
     select uuid_v7(), now(), 'system', 'plan.updated', 'success', 'plan-' || n from generate_series(1, $1::int) n`,
    [EVENTS],
  );
  return body.secret as string;
}

const counts = async (): Promise<Record<string, number>> => {
  const { rows } = await db.sql.query(
    `select count(*)::int as all, count(delivered_at)::int as delivered, count(due_at)::int as waiting from webhook_deliveries`,
  );
  return rows[0] as Record<string, number>;
};
const ids = (): Set<unknown> => new Set(receiver.received.map(({ headers }) => headers['webhook-id']));

describe('case 15: webhooks of a process that ends', () => {
  it('killed while requests are on their way, every event arrives by the next one, under its own id', async () => {
    const secret = await leaveEvents();
    // Some are taken, and then nothing is answered any more.
    receiver.answer = (response) => void (receiver.received.length <= 10 && response.writeHead(204).end());
    const { child } = await startChild(db, ENV);
    await expect.poll(() => receiver.received.length).toBeGreaterThan(10);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await passLocksOfKilled(db);
    const left = await counts();
    expect(left.delivered! + left.waiting!).toBe(EVENTS);
    expect(left.waiting).toBeGreaterThan(0);
    // What it had taken is its own for 30 s.
    const { rowCount: late } = await db.sql.query(
      `select from webhook_deliveries where due_at > now() + interval '30 seconds'`,
    );
    expect(late).toBe(0);
    await db.sql.query(`update webhook_deliveries set due_at = due_at - interval '30 seconds'`);

    receiver.answer = (response) => response.writeHead(204).end();
    const next = await startApp({ db, env: ENV });
    await expect.poll(counts, { timeout: 60_000 }).toEqual({ all: EVENTS, delivered: EVENTS, waiting: 0 });
    expect(ids().size).toBe(EVENTS);
    const told = receiver.received.map((request) => verified(secret, request).data.targetId);
    expect(new Set(told).size).toBe(EVENTS);
    await next.close();
  }, 120_000);

  it('stopped, it gives back what was not answered, as if it had not been tried', async () => {
    await leaveEvents();
    receiver.answer = () => undefined;
    const first = await startApp({ db, env: ENV });
    await expect.poll(() => receiver.received.length).toBe(10);
    await first.close();
    const { rows } = await db.sql.query(
      `select count(*)::int as due from webhook_deliveries where due_at <= now() and tries = 0 and attempts = '[]'`,
    );
    expect(rows).toEqual([{ due: EVENTS }]);
  }, 60_000);

  it('two that run at once send each event once', async () => {
    const [one, two] = [await startApp({ db, env: ENV }), await startApp({ db, env: ENV })];
    await leaveEvents();
    await expect.poll(counts).toEqual({ all: EVENTS, delivered: EVENTS, waiting: 0 });
    expect(receiver.received).toHaveLength(EVENTS);
    expect(ids().size).toBe(EVENTS);
    await Promise.all([one.close(), two.close()]);
  }, 60_000);
});
