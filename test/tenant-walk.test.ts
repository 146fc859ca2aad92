import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/kernel/ids.js';
import { isPermission, permissions } from '../src/kernel/permissions.js';
import { startApp, type TestApp } from './harness/app.js';
import { operations, type Operation } from './harness/openapi-operations.js';
import type { Member } from './harness/organizations.js';
import { type Person, signInAdmin } from './harness/people.js';
import { SEEDED_FEATURE, SEEDED_WIDGET, seedTenant, type SeededTenant } from './harness/seeded-tenant.js';

let tenon: TestApp;
/** Whose people ask. */
let mine: SeededTenant;
/** Whose rows they must not reach. */
let theirs: SeededTenant;
let deactivated: SeededTenant;
let deleted: SeededTenant;
let removed: Member;
let platformAdmin: Person;
let before: { theirs: Snapshot; mine: Snapshot };

const SEEDED_CHANGE = newId();
const SEEDED_APPLICATION = newId();
const SEEDED_CLEANUP = newId();
const SEEDED_REPORT = newId();
const SEEDED_PURGE = newId();

beforeAll(async () => {
  tenon = await startApp({ env: { DNS_SERVERS: '127.0.0.1:1' } });
  // The one that the examples name.
  await tenon.db.sql.query(
    `insert into plans (key, name, created_at, updated_at) values ('team', 'Team', now(), now())`,
  );
  await tenon.db.sql.query(
    `insert into feature_segments (key, conditions, created_at, updated_at) values ('beta-testers', '[]', now(), now())`,
  );
  await tenon.db.sql.query(
    `insert into feature_change_logs (id, at, revision, kind, segment_key, derived, actor_kind)
     values ($1, now(), 1, 'segment', 'beta-testers', false, 'system')`,
    [SEEDED_CHANGE],
  );
  await tenon.db.sql.query(
    `insert into feature_change_requests (id, title, changes, effects, subjects, follows, base_revision, content_hash, status, author_id, version, created_at, updated_at)
     values ($1, 'Seeded', '[]', '[]', '{}', '{}', 1, '', 'approved', $1, 1, now(), now())`,
    [SEEDED_CHANGE],
  );
  await tenon.db.sql.query(
    `insert into feature_templates (key, name, feature_values, created_at, updated_at)
     values ('pilot-customers', 'Pilot', '[{"feature": "seats-per-project", "value": 25}]', now(), now())`,
  );
  await tenon.db.sql.query(
    `insert into template_application_logs (id, template_key, template, scope, reason, status, total, created_at)
     values ($1, 'pilot-customers', '{}', 'all', 'Seeded', 'failed', 0, now())`,
    [SEEDED_APPLICATION],
  );
  await tenon.db.sql.query(
    `insert into cleanup_runs (id, trigger, batch_size, dry_run, status, created_at)
     values ($1, 'request', 1000, true, 'completed', now())`,
    [SEEDED_CLEANUP],
  );
  await tenon.db.sql.query(
    `insert into cleanup_reports (id, type, status, created_at) values ($1, 'weekly', 'failed', now())`,
    [SEEDED_REPORT],
  );
  await tenon.db.sql.query(
    `insert into purge_plans (id, scope, phrase, state, subjects, tables, created_at, expires_at)
     values ($1, 'all', '', '', '{}', '[]', now(), now())`,
    [SEEDED_PURGE],
  );
  [mine, theirs, deactivated, deleted] = [
    await seedTenant(tenon),
    await seedTenant(tenon),
    await seedTenant(tenon),
    await seedTenant(tenon),
  ];
  removed = theirs.member;
  platformAdmin = await signInAdmin(tenon);
  const ask = (tenant: SeededTenant, who: Member, method: 'get' | 'post' | 'delete', path = '') =>
    tenon.http[method](`/api/v1/organizations/${tenant.organizationId}${path}`).set(who.auth);
  // Everybody's access is in memory before it ends.
  for (const tenant of [theirs, deactivated, deleted])
    for (const who of [tenant.owner, tenant.member, tenant.admin]) await ask(tenant, who, 'get').expect(200);
  await ask(theirs, theirs.owner, 'delete', `/members/${removed.userId}`).expect(204);
  await ask(deactivated, deactivated.owner, 'post', '/deactivate').expect(200);
  await ask(deleted, deleted.owner, 'delete').expect(200);
  before = { theirs: await snapshot(theirs), mine: await snapshot(mine) };
});
afterAll(() => tenon.close());

const all = operations();
// What only API keys may ask names no tenant but by them: `ofrep.test.ts`.
const closed = all.filter(({ requirement, path }) => requirement !== undefined && !path.startsWith('/ofrep/'));
const ofTenant = closed.filter(({ path }) => path.includes('{organizationId}'));
const lists = closed.filter(({ method, path }) => method === 'GET' && !path.includes('{'));
/** Ids of things that are everybody's. */
const COMMON: Record<string, string> = {
  plans: 'standard',
  environments: 'production',
  features: SEEDED_FEATURE,
  segments: 'beta-testers',
  changes: SEEDED_CHANGE,
  widgets: SEEDED_WIDGET,
  'feature-changes': SEEDED_CHANGE,
  policies: 'production',
  'feature-templates': 'pilot-customers',
  applications: SEEDED_APPLICATION,
  'task-status': SEEDED_CLEANUP,
  reports: SEEDED_REPORT,
  'scheduled-tasks': 'cleanup-hourly',
  history: SEEDED_CLEANUP,
  purge: SEEDED_PURGE,
};
/** What a query or a body names by an id, and the segment under which it is known. */
const REFERENCES: Record<string, string> = {
  organizationId: 'organizations',
  userId: 'members',
  actorId: 'members',
  targetId: 'domains',
  requestId: 'requests',
  serviceAccountId: 'service-accounts',
  apiKeyId: 'api-keys',
  role: 'roles',
  actorRole: 'roles',
  planId: 'purge',
};
/** The name of a field that holds an id. */
const ID = /^(role|actorRole|[a-z]+Id)$/;
type Ids = Record<string, string>;

/** With the name in front, which a failure shows whole. */
const named = (some: Operation[]): [string, Operation][] => some.map((operation) => [operation.name, operation]);

/**
 * The path with ids in it: that of a parameter by the segment before it.
 * @throws Error when none is known: seed one in test/harness/seeded-tenant.ts, so that the route is walked.
 */
function pathOf({ path, name }: Operation, ids: Ids): string {
  return path.replaceAll(/([\w-]+)\/\{\w+\}/g, (_, segment: string) => {
    const id = ids[segment] ?? COMMON[segment];
    if (id === undefined) throw new Error(`${name}: the walk knows no id of "${segment}"`);
    return `${segment}/${id}`;
  });
}

function referred(operation: Operation, field: string, ids: Ids): string {
  const named = REFERENCES[field] ?? '';
  const id = ids[named] ?? COMMON[named];
  if (id === undefined) throw new Error(`${operation.name}: the walk does not know what "${field}" names`);
  return id;
}

const idFieldsOf = ({ body }: Operation): string[] => Object.keys(body ?? {}).filter((field) => ID.test(field));

/** The body of the examples; with ids where one is given. */
function bodyOf(operation: Operation, ids?: Ids): Record<string, unknown> | undefined {
  const named = ids ? idFieldsOf(operation).map((field) => [field, referred(operation, field, ids)]) : [];
  return operation.body && { ...operation.body, ...Object.fromEntries(named) };
}

interface Answer {
  status: number;
  text: string;
  headers: Record<string, string>;
}

async function send(
  { method }: Operation,
  path: string,
  who: Pick<Member, 'auth'> | null,
  body?: object,
): Promise<Answer> {
  const answer = await fetch(`${tenon.url}${path}`, {
    method,
    redirect: 'manual',
    headers: { ...who?.auth, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, text: await answer.text(), headers: Object.fromEntries(answer.headers) };
}

/** What of a tenant an answer shows that the request did not name. */
function leaked({ secrets }: SeededTenant, request: unknown, { text, headers }: Answer): string[] {
  const [sent, got] = [JSON.stringify(request), `${text}${JSON.stringify(headers)}`];
  return secrets.filter((secret) => got.includes(secret) && !sent.includes(secret));
}

/** What a refusal was: status and code, and all of it but what differs from request to request. */
interface Refusal {
  was: string;
  told: object;
}

/** Sends, and gives the refusal once it is sure that nothing of the tenant came back. */
async function refused(
  tenant: SeededTenant,
  operation: Operation,
  path: string,
  who: Pick<Member, 'auth'> | null,
  body?: object,
): Promise<Refusal> {
  const answer = await send(operation, path, who, body);
  expect(leaked(tenant, [path, body], answer), `${path} ${answer.status} ${answer.text}`).toEqual([]);
  if (answer.status < 400) return { was: `${answer.status}`, told: answer };
  const { requestId: _, ...told } = JSON.parse(answer.text) as Record<string, unknown>;
  return { was: `${answer.status} ${String(told.code)}`, told };
}

type Snapshot = Record<string, string>;

/** Every row of a tenant, and of whatever cannot be told apart by tenant, as one sum for each table of the catalogue. */
async function snapshot({ organizationId, userIds }: SeededTenant): Promise<Snapshot> {
  const { rows: tables } = await tenon.db.sql.query<{ name: string; tenant_columns: string }>(
    'select table_id::regclass::text as name, tenant_columns::text from rls_tenant_tables()',
  );
  const sums = await Promise.all(
    tables.map(async ({ name, tenant_columns: columns }): Promise<[string, string]> => {
      const has = (column: string): boolean => columns.slice(1, -1).split(',').includes(column);
      const owner = has('organization_id')
        ? `organization_id = '${organizationId}'`
        : has('user_id')
          ? `user_id = any('{${userIds.join()}}')`
          : name === 'organizations'
            ? `id = '${organizationId}'`
            : name === 'users'
              ? `id = any('{${userIds.join()}}')`
              : 'true';
      const { rows } = await tenon.db.sql.query(
        `select count(*) || ' ' || md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as sum
           from ${name} t where ${owner}`,
      );
      return [name, (rows[0] as { sum: string }).sum];
    }),
  );
  return Object.fromEntries(sums);
}

/** Ids that are nobody's, of the same form. */
function nobodys(ids: Ids): Ids {
  return Object.fromEntries(Object.keys(ids).map((name) => [name, name === 'roles' ? 'role-nobodys' : newId()]));
}

describe('O8 case 2: ids of another tenant', () => {
  it.each(named(ofTenant))('%s of another organization is 404, as of one that is not there', async (_, operation) => {
    const foreign = pathOf(operation, theirs.ids);
    const body = bodyOf(operation, theirs.ids);
    const upper = foreign.replace(theirs.organizationId, theirs.organizationId.toUpperCase());
    const mixed = pathOf(operation, { ...mine.ids, organizations: theirs.organizationId });
    const refusals = await Promise.all([
      refused(theirs, operation, foreign, mine.owner, body),
      refused(theirs, operation, foreign, mine.viewer, body),
      refused(theirs, operation, upper, mine.owner, body),
      // With what is one's own below it.
      refused(theirs, operation, mixed, mine.owner, bodyOf(operation, mine.ids)),
      refused(theirs, operation, pathOf(operation, nobodys(theirs.ids)), mine.owner, body),
    ]);
    expect(refusals[0]!.was).toBe('404 not_found');
    for (const { told } of refusals) expect(told).toEqual(refusals[0]!.told);
  });

  // What is everybody's, such as a feature, has no other's id.
  const below = ofTenant.filter(({ path }) =>
    [...path.matchAll(/([\w-]+)\/\{\w+\}/g)].slice(1).some(([, segment]) => !(segment! in COMMON)),
  );
  it.each(named(below))(
    '%s: another’s id in one’s own organization is 404, as one that is not there',
    async (_, operation) => {
      const [path, nothing] = [theirs.ids, nobodys(theirs.ids)].map((ids) =>
        pathOf(operation, { ...ids, organizations: mine.organizationId }),
      );
      const refusal = await refused(theirs, operation, path!, mine.owner, bodyOf(operation));
      expect(refusal.was).toBe('404 not_found');
      expect(await refused(theirs, operation, nothing!, mine.owner, bodyOf(operation))).toEqual(refusal);
    },
  );

  const naming = closed.filter((operation) => idFieldsOf(operation).length > 0);
  it.each(named(naming))('%s: another’s ids in the body are refused, as those of nobody', async (_, operation) => {
    for (const field of idFieldsOf(operation)) {
      const [foreign, nobody] = await Promise.all(
        [theirs.ids, nobodys(theirs.ids)].map((ids) => {
          const body = { ...bodyOf(operation), [field]: referred(operation, field, ids) };
          return refused(theirs, operation, pathOf(operation, mine.ids), mine.owner, body);
        }),
      );
      // A route of the installation does not look that far.
      const ofInstallation = operation.requirement === 'platform-admin' && !ofTenant.includes(operation);
      const expected = ofInstallation ? ['403 permission_denied'] : ['404 not_found', '400 validation_failed'];
      expect(foreign!.was, field).toBeOneOf(expected);
      expect(foreign).toEqual(nobody);
    }
  });

  const writing = ofTenant.filter(({ body }) => body !== undefined);
  it.each(named(writing))('%s: nothing but the path names a tenant', async (_, operation) => {
    const who = operation.requirement === 'platform-admin' ? platformAdmin : mine.owner;
    for (const field of ['organizationId', 'organization_id', 'tenantId', 'id']) {
      const body = { ...bodyOf(operation, mine.ids), [field]: theirs.organizationId };
      const refusal = await refused(theirs, operation, pathOf(operation, mine.ids), who, body);
      expect(refusal.was, field).toBe('400 validation_failed');
    }
  });

  const searching = closed.filter(({ query }) => query.some((name) => ID.test(name)));
  it.each(named(searching))('%s: another’s ids in the query find nothing', async (_, operation) => {
    for (const name of operation.query.filter((one) => ID.test(one))) {
      const path = `${pathOf(operation, mine.ids)}?${name}=${referred(operation, name, theirs.ids)}`;
      const answer = await send(operation, path, mine.owner);
      expect(leaked(theirs, path, answer), `${path} ${answer.text}`).toEqual([]);
      if (operation.requirement === 'platform-admin') expect(answer.status, path).toBe(403);
      else if (answer.status === 200) expect(JSON.parse(answer.text), path).toMatchObject({ data: [] });
      else expect([400, 404], `${path} ${answer.text}`).toContain(answer.status);
    }
  });

  const others = closed.filter((operation) => operation.path.includes('{') && !ofTenant.includes(operation));
  it.each(named(others))('%s with an id of another tenant is refused', async (_, operation) => {
    const answer = await send(operation, pathOf(operation, theirs.ids), mine.owner, bodyOf(operation));
    expect(leaked(theirs, operation.path, answer)).toEqual([]);
    if (operation.requirement === 'platform-admin') expect(answer.status).toBe(403);
    // What is the installation's is everybody's to read.
    else expect(answer.status).toBe(operation.path.split('/').some((segment) => segment in COMMON) ? 200 : 404);
  });

  it.each(named(lists))('%s shows nothing of another tenant', async (_, operation) => {
    const answer = await send(operation, operation.path, mine.owner);
    expect(leaked(theirs, operation.path, answer)).toEqual([]);
    expect([200, 400, 403], answer.text).toContain(answer.status);
  });
});

describe('O3 a lower role', () => {
  it.each(named(ofTenant))('%s is refused to roles without it', async (_, operation) => {
    const { requirement = '' } = operation;
    const held: readonly string[] = isPermission(requirement) ? permissions[requirement].roles : [];
    const lower = (['owner', 'admin', 'member', 'viewer', 'custom'] as const).filter((role) => !held.includes(role));
    // What any member may begin, such as leaving, is decided by whom they do it to.
    const roles = requirement === 'member' ? (['viewer', 'custom'] as const) : lower;
    const path = pathOf(operation, mine.ids);
    const refusals = roles.map((role) => refused(theirs, operation, path, mine[role], bodyOf(operation)));
    expect(roles).toContain('custom');
    for (const { was } of await Promise.all(refusals)) expect(was).toBe('403 permission_denied');
  });
});

describe('O2 who is no member any more', () => {
  it.each(named(ofTenant))('%s is 404 for a removed member', async (_, operation) => {
    const refusal = refused(theirs, operation, pathOf(operation, theirs.ids), removed, bodyOf(operation, theirs.ids));
    expect((await refusal).was).toBe('404 not_found');
  });
});

describe('O1 an organization that is not active', () => {
  it.each(named(ofTenant))(
    '%s is refused to its members, and to its owner but for what brings it back',
    async (_, operation) => {
      const { requirement = '' } = operation;
      const kept = isPermission(requirement) && 'whileInactive' in permissions[requirement];
      const asked = async (tenant: SeededTenant, ...people: Member[]): Promise<Set<string>> => {
        const [path, body] = [pathOf(operation, tenant.ids), bodyOf(operation, tenant.ids)];
        const refusals = people.map((who) => refused(tenant, operation, path, who, body));
        return new Set((await Promise.all(refusals)).map(({ was }) => was));
      };
      const { member, admin, custom } = deleted;
      expect(await asked(deleted, member, admin, custom)).toEqual(new Set(['404 not_found']));
      const owners = kept ? [] : [deactivated.owner];
      expect(await asked(deactivated, deactivated.member, deactivated.admin, deactivated.custom, ...owners)).toEqual(
        new Set(['403 organization_inactive']),
      );
      if (!kept) expect(await asked(deleted, deleted.owner)).toEqual(new Set(['403 organization_inactive']));
    },
  );

  it.each(named(lists))('%s shows a member nothing of a deleted one', async (_, operation) => {
    // But who they are, and which organization it was that they asked for.
    const { userId, email, fullName, sessionId } = deleted.member;
    const own = [userId, email, fullName, sessionId, deleted.organizationId];
    const answer = await send(operation, operation.path, deleted.member);
    const text = own.reduce((left, one) => left.replaceAll(one, ''), answer.text);
    expect(leaked(deleted, operation.path, { ...answer, text })).toEqual([]);
  });
});

describe('A7 without a token', () => {
  it.each(named(closed))('%s is 401', async (_, operation) => {
    const refusal = await refused(theirs, operation, pathOf(operation, theirs.ids), null, bodyOf(operation));
    expect(refusal.was).toBe('401 authentication_required');
  });
});

describe('O8 case 2: after all of it', () => {
  it('nothing has changed in the other tenant', async () => {
    expect(await snapshot(theirs)).toEqual(before.theirs);
  });

  it('nothing has changed in the own one but its trail, which holds the denials', async () => {
    const after = await snapshot(mine);
    const trail = Object.keys(after).filter((table) => after[table] !== before.mine[table]);
    expect(trail.filter((table) => !table.startsWith('audit_log'))).toEqual([]);
  });
});

describe('O8 case 2: the walk knows its way', () => {
  it('openapi.json holds the routes below an organization', () => {
    expect(ofTenant.length).toBeGreaterThan(30);
  });

  it.each(named(ofTenant))(
    '%s is carried out for who may, with the ids and the body that the walk fills in',
    async (_, operation) => {
      const tenant = operation.method === 'GET' ? mine : await seedTenant(tenon);
      const who = operation.requirement === 'platform-admin' ? platformAdmin : tenant.owner;
      const body = bodyOf(operation, 'userId' in (operation.body ?? {}) ? tenant.ids : undefined);
      const answer = await send(operation, pathOf(operation, tenant.ids), who, body);
      expect(leaked(theirs, operation.path, answer)).toEqual([]);
      if (answer.status < 300) {
        // A plan and a feature are everybody's, and of the organization these show numbers alone.
        if (operation.method === 'GET' && !/\/(plan|usage|cleanup-policy)$/.test(operation.path))
          expect(tenant.secrets.some((secret) => answer.text.includes(secret))).toBe(true);
      } else {
        // It came past schema, permission and search: what is left is the state of things, or a resolver that is not there.
        expect([409, 502], answer.text).toContain(answer.status);
      }
    },
  );
});
