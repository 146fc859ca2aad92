import type { EntityManager } from '@mikro-orm/postgresql';
import type { SystemStatement } from '../../database/tenant-context.js';
import { isPermission, type Permission, permissionsOf } from '../../kernel/permissions.js';
import type { OrganizationStatus } from '../organization.entity.js';
import type { SignInMethod } from '../policies/organization-policies.entity.js';

/** What decides over everybody in an organization. */
export interface OrganizationFacts {
  status: OrganizationStatus;
  /** Those of its own roles that members in memory have: of one with thousands, it holds few. */
  customRoles: Map<string, ReadonlySet<Permission>>;
  policies: AccessPolicies;
}

/** What an organization asks of a session; null asks nothing. */
export interface AccessPolicies {
  sessionLifetimeMinutes: number | null;
  signInMethods: readonly SignInMethod[] | null;
  ipAllowList: readonly string[] | null;
}

/** A member, and what decides over them. */
export interface MemberFacts {
  organization: OrganizationFacts;
  role: string;
}

interface Row {
  role: string;
  status: OrganizationStatus;
  session_lifetime_minutes: number | null;
  sign_in_methods: SignInMethod[] | null;
  ip_allow_list: string[] | null;
  custom_role: string[] | null;
}

/**
 * Reads a member who can sign in with their organization, in one statement; null when there is none.
 * @param em of a system transaction.
 */
export async function readMember(
  em: EntityManager,
  organizationId: string,
  userId: string,
): Promise<MemberFacts | null> {
  const [row] = await em.execute<Row[]>(
    `select m.role, o.status, p.session_lifetime_minutes, p.sign_in_methods, p.ip_allow_list,
            (select r.permissions from organization_roles r where r.organization_id = o.id and r.key = m.role) as custom_role
       from user_organization_membership m
       join users u on u.id = m.user_id and u.status = 'active'
       join organizations o on o.id = m.organization_id
       left join organization_policies p on p.organization_id = o.id
      where m.organization_id = ? and m.user_id = ?`,
    [organizationId, userId],
  );
  return row ? toFacts(row) : null;
}

/**
 * Reads a role with its organization, for whoever has one and is no member; null when there is no such organization.
 * @param em of a system transaction.
 */
export async function readRole(em: EntityManager, organizationId: string, role: string): Promise<MemberFacts | null> {
  const [row] = await em.execute<Row[]>(
    `select ?::text as role, o.status, p.session_lifetime_minutes, p.sign_in_methods, p.ip_allow_list,
            (select r.permissions from organization_roles r where r.organization_id = o.id and r.key = ?) as custom_role
       from organizations o
       left join organization_policies p on p.organization_id = o.id
      where o.id = ?`,
    [role, role, organizationId],
  );
  return row ? toFacts(row) : null;
}

function toFacts(row: Row): MemberFacts {
  return {
    role: row.role,
    organization: {
      status: row.status,
      policies: {
        sessionLifetimeMinutes: row.session_lifetime_minutes,
        signInMethods: row.sign_in_methods,
        ipAllowList: row.ip_allow_list,
      },
      customRoles: new Map(row.custom_role && [[row.role, new Set(row.custom_role.filter(isPermission))]]),
    },
  };
}

/** In every organization a platform admin may do what its owner may; the trail says in which role it was done. */
export const OF_PLATFORM_ADMIN = permissionsOf('owner', new Map());

/**
 * Whether somebody is an active platform admin and, if one is named, there is such an organization.
 * @param statement of a system transaction, or one that is such a transaction itself.
 */
export async function isPlatformAdmin(
  statement: SystemStatement,
  userId: string | null,
  organizationId: string | null = null,
): Promise<boolean> {
  const found = await statement(
    `select from users where id = ? and platform_role = 'admin' and status = 'active'
        and (?::uuid is null or exists (select from organizations where id = ?))`,
    [userId, organizationId, organizationId],
  );
  return found.length === 1;
}
