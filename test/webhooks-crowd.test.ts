import type { ServerResponse } from 'node:http';
import { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../src/kernel/ids.js';
import { SecretBox } from '../src/kernel/secrets.js';
import { sealOfSecret } from '../src/webhooks/endpoints/webhook-secrets.js';
import { newSecret } from '../src/webhooks/sending/signature.js';
import { atOnce, countStatuses } from './harness/accounts.js';
import { startApp, type TestApp } from './harness/app.js';
import { LOCKS_HERE } from './harness/database.js';
import { insertOrganization } from './harness/organizations.js';
import { type Receiver, startReceiver } from './harness/receiver.js';

let tenon: TestApp;
let receiver: Receiver;
/** Requests whose path begins with `/slow` and that were not answered yet. */
let held: ServerResponse[];

beforeAll(async () => {
  tenon = await startApp({ env: { WEBHOOK_TARGETS: 'any' } });
});
afterAll(() => tenon.close());
beforeEach(async () => {
  await tenon.db.sql.query('delete from webhook_endpoints');
  receiver = await startReceiver();
  held = [];
  receiver.answer = (response, { path }) => {
    if (path.startsWith('/slow')) held.push(response);
    else response.writeHead(204).end();
  };
});
afterEach(async () => {
  answerAll();
  await receiver.close();
});

function answerAll(): void {
  receiver.answer = (response) => response.writeHead(204).end();
  for (const response of held.splice(0)) response.writeHead(204).end();
}

/** Puts webhooks into the table, at `/path/0` and on. @param organizationId null: the platform's. */
async function insertWebhooks(organizationId: string | null, path: string, count = 1): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const id = newId();
    await tenon.db.sql.query(
      `insert into webhook_endpoints (id, organization_id, url, event_types, secret, created_at, updated_at)
       values ($1, $2, $3, '{organization.updated}', $4, now(), now())`,
      [
        id,
        organizationId,
        `${receiver.url}/${path}/${index}`,
        tenon.app.get(SecretBox).encrypt(newSecret(), sealOfSecret(id)),
      ],
    );
  }
}
async function newTenant(path: string, count = 1): Promise<string> {
  const { organizationId } = await insertOrganization(tenon.db);
  await insertWebhooks(organizationId, path, count);
  return organizationId;
}
const addEvents = (organizationIds: string[], count = 1) =>
  tenon.db.sql.query(
    `insert into audit_log (id, occurred_at, organization_id, actor_kind, action, outcome)
     select uuid_v7(), now(), id, 'system', 'organization.updated', 'success'
       from unnest($1::uuid[]) id cross join generate_series(1, $2::int)`,
    [organizationIds, count],
  );
const counts = async () => {
  const { rows } = await tenon.db.sql.query(
    `select count(*)::int as all, count(delivered_at)::int as delivered, max(jsonb_array_length(attempts)) as tried
       from webhook_deliveries`,
  );
  return rows[0] as { all: number; delivered: number; tried: number };
};
const requestsTo = (path: string): number =>
  receiver.received.filter((request) => request.path.startsWith(`/${path}/`)).length;
const poll = <T>(read: () => T | Promise<T>) => expect.poll(read);

/** Counts statements that hold `text`. */
function countStatements(text: string): { count: number; stop(): void } {
  const logger = tenon.app.get(MikroORM).config.getLogger();
  const { isEnabled, logQuery } = logger;
  const counted = { count: 0, stop: () => void Object.assign(logger, { isEnabled, logQuery }) };
  logger.isEnabled = () => true;
  logger.logQuery = ({ query }) => void (query?.includes(text) && (counted.count += 1));
  return counted;
}

describe('P16 many webhooks at once', () => {
  it('500 receivers who answer together are written down by a few statements, and others are served meanwhile', async () => {
    const tenants: string[] = [];
    for (let index = 0; index < 20; index += 1) tenants.push(await newTenant('slow', 5));
    await addEvents(tenants, 5);
    await poll(() => held.length).toBe(500);
    const statements = countStatements('update webhook_deliveries d\n        set due_at = case');
    try {
      answerAll();
      const health = await atOnce(20, () => tenon.http.get('/health'));
      expect(countStatuses(health)).toEqual({ 200: 20 });
      await poll(counts).toEqual({ all: 500, delivered: 500, tried: 1 });
    } finally {
      statements.stop();
    }
    expect(statements.count).toBeGreaterThan(0);
    expect(statements.count).toBeLessThan(100);
    expect(receiver.received).toHaveLength(500);
  }, 120_000);

  it('ten of one organization are served at once, and ten of the platform; others do not wait for them', async () => {
    const greedy = await newTenant('slow-one', 20);
    await insertWebhooks(null, 'slow-platform', 20);
    await addEvents([greedy]);
    await poll(() => held.length).toBe(20);
    const other = await newTenant('quick');
    await addEvents([other]);
    await poll(() => requestsTo('quick')).toBe(1);
    expect([requestsTo('slow-one'), requestsTo('slow-platform')]).toEqual([10, 10]);
    answerAll();
    // The platform hears of both.
    await poll(() => [requestsTo('slow-one'), requestsTo('slow-platform')]).toEqual([20, 40]);
  }, 60_000);
});

describe('P16 what came of deliveries', () => {
  it('is written for others while somebody holds one endpoint, and for that one afterwards', async () => {
    const [locked, free] = [await newTenant('slow-locked'), await newTenant('slow-free')];
    await addEvents([locked, free]);
    await poll(() => held.length).toBe(2);
    const { sql } = tenon.db;
    await sql.query('begin');
    await sql.query('select from webhook_endpoints where organization_id = $1 for update', [locked]);
    answerAll();
    await poll(counts).toMatchObject({ all: 2, delivered: 1 });
    await sql.query('commit');
    await poll(counts).toEqual({ all: 2, delivered: 2, tried: 1 });
    expect(receiver.received).toHaveLength(2);
  }, 60_000);

  it('is written again when the connection dies meanwhile; nothing is sent twice', async () => {
    await addEvents([await newTenant('slow')]);
    await poll(() => held.length).toBe(1);
    const { sql } = tenon.db;
    await sql.query('begin');
    await sql.query('lock table webhook_deliveries in share row exclusive mode');
    answerAll();
    const kill = async (): Promise<number | null> =>
      (
        await sql.query(
          `select pg_terminate_backend(pid) from ${LOCKS_HERE}
            where not granted and relation = 'webhook_deliveries'::regclass`,
        )
      ).rowCount;
    await poll(kill).toBe(1);
    await sql.query('commit');
    await poll(counts).toEqual({ all: 1, delivered: 1, tried: 1 });
    expect(receiver.received).toHaveLength(1);
  }, 60_000);
});

describe.each(['deactivated', 'deleted'])('P16 an organization that is %s', (status) => {
  it('sends nothing, keeps what it would have sent, and sends it once it is back', async () => {
    const away = await newTenant('away');
    const setStatus = (to: string) =>
      tenon.db.sql.query('update organizations set status = $2 where id = $1', [away, to]);
    await setStatus(status);
    await addEvents([away]);
    // Looks at what is due have passed once these have arrived.
    for (let events = 1; events <= 2; events += 1) {
      await addEvents([await newTenant('here')]);
      await poll(() => requestsTo('here')).toBe(events);
    }
    expect(requestsTo('away')).toBe(0);
    await setStatus('active');
    await poll(counts).toEqual({ all: 3, delivered: 3, tried: 1 });
    expect(requestsTo('away')).toBe(1);
  }, 60_000);
});
