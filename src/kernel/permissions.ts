/** The roles that every organization has. Others are made by the organization itself. */
export const BASE_ROLES = ['owner', 'admin', 'member', 'viewer'] as const;
export type BaseRole = (typeof BASE_ROLES)[number];

interface PermissionFacts {
  description: string;
  /** Who has it among the base roles. */
  roles: readonly BaseRole[];
  /** An owner keeps it while the organization is deactivated or waits for its removal; nobody else keeps anything. */
  whileInactive?: true;
  /** No custom role can hold it, and no API key. */
  ownerOnly?: true;
  /** No API key can hold it: it makes credentials or decides over them or over members, or is about the person who acts. */
  sessionOnly?: true;
}

const O = ['owner'] as const;
const OA = ['owner', 'admin'] as const;
const OAM = ['owner', 'admin', 'member'] as const;
const ALL = BASE_ROLES;

/**
 * What may be done within an organization, and who may do it: the one table that guard, catalogue, OpenAPI and
 * documentation come from. A migration copies it into `role_permissions` for `get_user_permissions()`; a test compares.
 */
const table = {
  'organization:read': { description: 'See name, slug and state of the organization', roles: ALL, whileInactive: true },
  'organization:update': { description: 'Change name and slug', roles: O },
  'organization:deactivate': {
    description: 'Deactivate and reactivate',
    roles: O,
    whileInactive: true,
    ownerOnly: true,
  },
  'organization:delete': {
    description: 'Delete, and restore within 30 days',
    roles: O,
    whileInactive: true,
    ownerOnly: true,
  },
  'organization:transfer': { description: 'Hand the ownership to another member', roles: O, ownerOnly: true },
  'members:read': { description: 'List the members', roles: ALL },
  'members:invite': { description: 'Invite people, see and withdraw invitations', roles: OA, sessionOnly: true },
  'members:update': { description: 'Change the role of a member', roles: OA, sessionOnly: true },
  'members:remove': { description: 'Remove a member', roles: OA, sessionOnly: true },
  'roles:manage': { description: 'See, make, change and remove custom roles', roles: OA, sessionOnly: true },
  'domains:manage': { description: 'Claim domains, prove and release them', roles: OA },
  'settings:read': { description: 'See the settings', roles: ALL },
  'settings:update': { description: 'Change the settings', roles: OA },
  'policies:read': { description: 'See the security policies', roles: OA },
  'policies:update': { description: 'Change the security policies', roles: O, sessionOnly: true },
  'plan:read': { description: 'See the plan, its limits and what is used of them', roles: ALL },
  'audit:read': { description: 'Read the trail of the organization', roles: OA },
  'api-keys:manage': { description: 'Make, rotate and revoke API keys', roles: OA, sessionOnly: true },
  'features:read': { description: 'See features and their values', roles: ALL },
  'features:override': { description: 'Override the value of a feature', roles: OA },
  'features:consume': { description: 'Use up metered limits', roles: OAM },
  'features:evaluate': { description: 'Evaluate features for a context', roles: ALL },
  'feature-usage:read': { description: 'See how features are used', roles: OA },
  'widgets:read': { description: 'See which widgets can be used', roles: ALL },
  'dashboards:update': { description: 'Arrange the own dashboard', roles: ALL, sessionOnly: true },
  'webhooks:manage': { description: 'Make webhooks, see and repeat their deliveries', roles: OA },
  'cleanup:manage': { description: 'Set how long data is kept', roles: O },
} as const satisfies Record<`${string}:${string}`, PermissionFacts>;

/** A key of the table, `resource:action`. */
export type Permission = keyof typeof table;

/** The table, by key. */
export const permissions: Readonly<Record<Permission, PermissionFacts>> = table;
/** Every key, in the order of the table. */
export const PERMISSIONS = Object.keys(table) as Permission[];

/** What an API key can be given: nothing that is only for owners or for somebody who signed in. */
export const SCOPES: readonly Permission[] = PERMISSIONS.filter((key) => {
  const { ownerOnly, sessionOnly }: PermissionFacts = table[key];
  return !ownerOnly && !sessionOnly;
});

const scopes: ReadonlySet<string> = new Set(SCOPES);

/** Whether a text names something that an API key can be given. */
export function isScope(text: string): text is Permission {
  return scopes.has(text);
}

/** Whether a text names a permission of the table. */
export function isPermission(text: string): text is Permission {
  return Object.hasOwn(table, text);
}

/** Whether a role is one that every organization has. */
export function isBaseRole(role: string): role is BaseRole {
  return (BASE_ROLES as readonly string[]).includes(role);
}

const holding = (role: BaseRole): ReadonlySet<Permission> =>
  new Set(PERMISSIONS.filter((key) => permissions[key].roles.includes(role)));
const OF_BASE_ROLE: Record<BaseRole, ReadonlySet<Permission>> = {
  owner: holding('owner'),
  admin: holding('admin'),
  member: holding('member'),
  viewer: holding('viewer'),
};

const NONE: ReadonlySet<Permission> = new Set();
/** What is left to an owner while the organization is not active. */
const WHILE_INACTIVE: ReadonlySet<Permission> = new Set(PERMISSIONS.filter((key) => permissions[key].whileInactive));

/**
 * What a role permits.
 * @param custom permissions of the organization's own roles, by key.
 * @returns nothing for a role that does not exist (any more).
 */
export function permissionsOf(
  role: string,
  custom: ReadonlyMap<string, ReadonlySet<Permission>>,
): ReadonlySet<Permission> {
  return isBaseRole(role) ? OF_BASE_ROLE[role] : (custom.get(role) ?? NONE);
}

/** What a role permits while its organization is deactivated or waits for its removal. */
export function permissionsWhileInactive(role: string): ReadonlySet<Permission> {
  return role === 'owner' ? WHILE_INACTIVE : NONE;
}
