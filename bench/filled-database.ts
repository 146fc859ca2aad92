import { Client } from 'pg';
import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { migrateUp } from '../src/database/schema.js';
import { librarySchemas } from '../src/library-schemas.js';
import { asSuperuser, storedPassword } from './people.js';

/** How much there is. */
export interface Filling {
  people: number;
  /** Each with an owner and up to three members; some with an invitation, a domain, policies; one entry in the trail. */
  organizations: number;
  /** How many of them are measured: spread over the others, alike in every database. */
  tenants: number;
  /** What each of those has. Their members are people like the others, at most as many as there are. */
  members: number;
  invitations: number;
  entries: number;
}

/** An organization that is measured, and its first owner, who belongs to three organizations. */
export interface Tenant {
  organizationId: string;
  email: string;
}

/** A database of its own, beside that of the other benches; thrown away at the end. */
export interface OwnDatabase extends EmbeddedPostgres {
  drop(): Promise<void>;
}

export interface FilledDatabase extends OwnDatabase {
  tenants: Tenant[];
}

/** Ids that one number makes, so that tables refer to each other without being read. */
const idOf = (kind: number, n: string): string =>
  `('0190000${kind}-0000-7000-8000-' || lpad(to_hex((${n})::bigint), 12, '0'))::uuid`;
const person = (n: string): string => idOf(1, n);
const organization = (n: string): string => idOf(2, n);
/** A prime: the people of an organization are far from each other in the table. */
const STRIDE = 7_919;

/** Makes a database, migrates and fills it, and leaves it as it would be after a night: vacuumed, analyzed, on disk. */
export async function filledDatabase(
  postgres: EmbeddedPostgres,
  name: string,
  filling: Filling,
): Promise<FilledDatabase> {
  const database = await ownDatabase(postgres, name);
  await migrateUp({ ...database, say: () => undefined, alsoMigrate: librarySchemas });
  const client = await asSuperuser(database);
  // No trigger and no foreign key is checked: a million rows take seconds.
  await client.query(`set session_replication_role = replica; set synchronous_commit = off`);
  for (const statement of statements(filling, client.escapeLiteral(await storedPassword())))
    await client.query(statement);
  const { rows: tenants } = await client.query<Tenant>(
    `select ${organization(`t * ${stepOf(filling)}`)} as "organizationId", 'person-' || ${filling.people} + t || '@bench.example' as email
       from generate_series(1, ${filling.tenants}) t`,
  );
  await client.query('vacuum (analyze)');
  await client.query('checkpoint');
  await client.end();
  return { ...database, tenants };
}

/** Makes a database that is as another one is, file by file; nobody may be connected to that. */
export function copyOf(database: OwnDatabase, name: string): Promise<OwnDatabase> {
  return ownDatabase(database, name, `template ${new URL(database.appUrl).pathname.slice(1)} strategy file_copy`);
}

async function ownDatabase(postgres: EmbeddedPostgres, name: string, made = ''): Promise<OwnDatabase> {
  await onServer(postgres, `create database ${name} owner tenon_owner ${made}`);
  const on = (url: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href;
  return {
    ...postgres,
    appUrl: on(postgres.appUrl),
    ownerUrl: on(postgres.ownerUrl),
    drop: () => onServer(postgres, `drop database ${name} with (force)`),
  };
}

async function onServer({ superuserUrl }: EmbeddedPostgres, statement: string): Promise<void> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Every so many organizations one is a tenant. */
const stepOf = ({ organizations, tenants }: Filling): number => Math.floor(organizations / tenants);

function statements(filling: Filling, password: string): string[] {
  const { people, organizations, tenants, members, invitations, entries } = filling;
  const step = stepOf(filling);
  const tenant = organization(`t * ${step}`);
  const founder = person(`${people} + t`);
  const member = (n: string, k: string): string => person(`(${n} + ${k}::bigint * ${STRIDE}) % ${people} + 1`);
  return [
    `insert into users (id, email, email_verified_at, full_name, status, created_at, updated_at)
       select ${person('n')}, 'person-' || n || '@bench.example', now(), 'Person ' || n, 'active', now(), now()
         from generate_series(1, ${people + tenants}) n`,
    `insert into password_credentials (user_id, password_hash, changed_at)
       select ${person('n')}, ${password}, now() from generate_series(1, ${people + tenants}) n`,
    `insert into organizations (id, name, slug, member_count, created_at, updated_at)
       select ${organization('n')}, 'Organization ' || n, 'organization-' || n, 1 + n % 4, now(), now()
         from generate_series(1, ${organizations}) n`,
    `insert into user_organization_membership (organization_id, user_id, role, joined_at)
       select ${organization('n')}, ${member('n', 'k')}, case k when 0 then 'owner' else 'member' end, now() - interval '1 year' + k * interval '1 hour'
         from generate_series(1, ${organizations}) n, generate_series(0, n % 4) k
        where n % ${step} <> 0`,
    // One invitation in two organizations, a proven domain in four, policies in ten.
    `insert into invitations (organization_id, id, email, role, token_hash, invited_by, created_at, expires_at)
       select ${organization('n')}, ${idOf(3, 'n')}, 'invited-' || n || '@bench.example', 'member', sha256(convert_to(n::text, 'UTF8')), ${member('n', '0')}, now(), now() + interval '7 days'
         from generate_series(1, ${organizations}, 2) n`,
    `insert into organization_domains (organization_id, id, domain, challenge, challenge_expires_at, verified_at, last_checked_at, created_at)
       select ${organization('n')}, ${idOf(4, 'n')}, 'organization-' || n || '.example', 'challenge', now(), now(), now(), now()
         from generate_series(1, ${organizations}, 4) n`,
    `insert into organization_policies (organization_id, updated_at)
       select ${organization('n')}, now() from generate_series(1, ${organizations}, 10) n`,
    trail(
      'n % 86400',
      organization('n'),
      member('n', '0'),
      'organization.created',
      `generate_series(1, ${organizations}) n`,
    ),

    `insert into user_organization_membership (organization_id, user_id, role, joined_at)
       select ${tenant}, ${founder}, 'owner', now() - interval '2 years' from generate_series(1, ${tenants}) t
       union all
       select ${organization(`(t * ${step} + other) % ${organizations} + 1`)}, ${founder}, 'viewer', now()
         from generate_series(1, ${tenants}) t, generate_series(0, 1) other`,
    `insert into user_organization_membership (organization_id, user_id, role, joined_at)
       select ${tenant}, ${member('t', 'k')}, 'member', now() - interval '300 days' + k * interval '1 minute'
         from generate_series(1, ${tenants}) t, generate_series(1, ${members - 1}) k`,
    `update organizations set member_count = ${members} where id in (select ${tenant} from generate_series(1, ${tenants}) t)`,
    `insert into invitations (organization_id, id, email, role, token_hash, invited_by, created_at, expires_at)
       select ${tenant}, ${idOf(5, `t * 1000 + k`)}, 'invited-' || t || '-' || k || '@bench.example', 'member', sha256(convert_to(t || '-' || k, 'UTF8')), ${founder}, now(), now() + interval '7 days'
         from generate_series(1, ${tenants}) t, generate_series(1, ${invitations}) k`,
    trail(
      'k',
      tenant,
      founder,
      'organization.updated',
      `generate_series(1, ${tenants}) t, generate_series(1, ${entries}) k`,
    ),
  ];
}

/** Entries of the last day. RFC 9562: the first 48 bits of their ids are their time. */
function trail(secondsAgo: string, organizationId: string, userId: string, action: string, from: string): string {
  return `insert into audit_log (id, occurred_at, organization_id, actor_kind, actor_id, actor_name, user_id, action, outcome, target_type, target_id, after, ip, user_agent)
    select uuidv7(- make_interval(secs => ${secondsAgo})), now() - make_interval(secs => ${secondsAgo}), ${organizationId}, 'user', ${userId}, 'A person', ${userId}, '${action}', 'success', 'organization', (${organizationId})::text, '{"name": "Organization"}', '192.0.2.1', 'bench'
      from ${from}`;
}
