import type { Client } from 'pg';

/** A role that only a DBA can complete. Its message is the statements to run. */
export class RoleSetupError extends Error {
  constructor(problem: string, statements: readonly string[]) {
    super(`${problem} Let a superuser run:\n${statements.map((statement) => `  ${statement};`).join('\n')}`);
    this.name = 'RoleSetupError';
  }
}

// Roles belong to the whole cluster: two databases set up at once both try to create them, and one loses with
// duplicate_object or, in the same instant, unique_violation. Either means that the role is there.
const CREATE_ROLES = `
do $$
declare wanted record;
begin
  for wanted in select * from (values ('tenon_app', 'nologin'), ('tenon_system', 'nologin'), ('tenon_gate', 'nologin noinherit')) as r(name, options) loop
    if not exists (select from pg_roles where rolname = wanted.name) then
      begin
        execute format('create role %I %s', wanted.name, wanted.options);
      exception when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;
end $$`;

/**
 * Makes the three roles and gives the process's login what it needs, and nothing more. Idempotent.
 *
 * - `tenon_app`: the rights of the process, bound by the tenants' policies.
 * - `tenon_system`: sees every tenant. Reached by `set local role` only, through `tenon_gate`, which does not inherit:
 *   policies follow inheritance, and an inherited system role would switch them off silently.
 *
 * @param owner connected as the owner of the schema, with CREATEROLE and without superuser.
 * @param login the role named in DATABASE_URL.
 * @throws RoleSetupError when a DBA has to grant something first, with the statements.
 */
export async function setUpRoles(owner: Client, login: string): Promise<void> {
  const { rows } = await owner.query<{ version: number; owner: string; database: string }>(
    `select current_setting('server_version_num')::int as version, current_user as owner, current_database() as database`,
  );
  const { version, owner: ownerRole, database } = rows[0]!;
  const modern = version >= 160_000;
  await owner.query(CREATE_ROLES);

  const grants = [
    `grant tenon_system to tenon_gate${modern ? ' with inherit false, set true' : ''}`,
    `grant tenon_gate to ${quote(ownerRole)}`,
    ...(login === ownerRole
      ? [`grant tenon_app to ${quote(login)}`]
      : [
          `grant tenon_app to ${quote(login)}${modern ? ' with inherit true' : ''}`,
          `grant tenon_gate to ${quote(login)}`,
        ]),
  ];
  const missing: string[] = [];
  for (const [index, grant] of grants.entries()) {
    if (await holds(owner, grant, modern)) continue;
    try {
      await owner.query(grant);
    } catch (error) {
      if (!isConcurrent(error)) missing.push(grants[index]!);
    }
  }
  if (missing.length > 0) {
    throw new RoleSetupError(
      `The roles of Tenon exist already in this cluster, and "${ownerRole}" may not grant them.`,
      modern
        ? ['tenon_app', 'tenon_system', 'tenon_gate'].map(
            (role) => `grant ${role} to ${quote(ownerRole)} with admin true, inherit false, set true`,
          )
        : missing,
    );
  }

  const privileges = [
    `revoke create on schema public from public`,
    // A temporary type or function of the login would stand before ours wherever a search path forgets it.
    `revoke temporary on database ${quote(database)} from public`,
    `grant usage on schema public to tenon_app, tenon_system`,
    `grant connect on database ${quote(database)} to ${quote(login)}`,
    `alter default privileges in schema public grant select, insert, update, delete on tables to tenon_app, tenon_system`,
    `alter default privileges in schema public grant usage, select on sequences to tenon_app, tenon_system`,
    `alter default privileges revoke execute on functions from public`,
  ];
  for (const statement of privileges) await owner.query(statement);
}

/** Whether a membership is there already: granting it again needs rights that the owner may not have. */
async function holds(owner: Client, grant: string, modern: boolean): Promise<boolean> {
  const [, role, member] = /^grant (\S+) to ("(?:[^"]|"")+"|\S+)/.exec(grant)!;
  const { rows } = await owner.query<{ held: boolean }>(
    `select exists (
       select from pg_auth_members m
       join pg_roles granted on granted.oid = m.roleid
       join pg_roles member on member.oid = m.member
       where granted.rolname = $1 and quote_ident(member.rolname) = quote_ident($2)
         ${modern ? `and ($1 <> 'tenon_app' or m.inherit_option) and ($1 = 'tenon_app' or m.set_option)` : ''}
     ) as held`,
    [role, member!.replace(/^"|"$/g, '').replaceAll('""', '"')],
  );
  return rows[0]!.held;
}

function isConcurrent(error: unknown): boolean {
  // "tuple concurrently updated": the other database granted the same membership in this moment.
  const { code, message } = error as { code?: string; message?: string };
  return code === '23505' || (code === 'XX000' && /concurrently/.test(message ?? ''));
}

/** What a login can do that would switch the tenants' policies off; empty is right. */
export async function loginFaults(client: Client): Promise<string[]> {
  const { rows } = await client.query<{
    superuser: boolean;
    bypass: boolean;
    owner: boolean;
    inherits: boolean;
    gate: boolean;
  }>(
    `select r.rolsuper as superuser, r.rolbypassrls as bypass,
            exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where n.nspname = 'public' and c.relkind in ('r', 'p') and pg_has_role(c.relowner, 'usage')) as owner,
            exists (select from pg_roles where rolname = 'tenon_system' and pg_has_role(oid, 'usage')) as inherits,
            exists (select from pg_roles where rolname = 'tenon_system' and pg_has_role(oid, 'member')) as gate
       from pg_roles r where r.rolname = current_user`,
  );
  const login = rows[0]!;
  return [
    ...(login.superuser ? ['is a superuser'] : []),
    ...(login.bypass ? ['has BYPASSRLS'] : []),
    ...(!login.superuser && login.owner ? ['owns the tables'] : []),
    ...(!login.superuser && login.inherits ? ['inherits tenon_system, which sees every tenant'] : []),
    ...(!login.gate ? ['is no member of tenon_gate'] : []),
  ];
}

/** A name as one identifier of SQL. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
