import type { PolicyDef } from '@mikro-orm/core';
import { APP_ROLE, SYSTEM_ROLE } from './tenant-context.js';

// nullif: a pooled connection returns '' once the variable was set, and the plain cast would throw.
const USER_ID = `nullif(current_setting('app.user_id', true), '')::uuid`;
const ORGANIZATION_ID = `nullif(current_setting('app.organization_id', true), '')::uuid`;

/** Everything, for work across tenants. */
export const systemPolicy: PolicyDef = { name: 'system', roles: [SYSTEM_ROLE], using: 'true', check: 'true' };

/** Of tables that are no tenant's: everybody may know what is in them, only the system role writes. */
export const installationPolicies: PolicyDef[] = [
  { name: 'everybody_reads', command: 'select', roles: [APP_ROLE], using: 'true' },
  systemPolicy,
];

/** The rows of the person who asks, found by `column`. */
export function ownPolicy(column: string, command: PolicyDef['command'] = 'all'): PolicyDef {
  const own = `${column} = ${USER_ID}`;
  return {
    name: `own_${command}`,
    command,
    roles: [APP_ROLE],
    ...(command !== 'insert' && { using: own }),
    ...(command !== 'select' && command !== 'delete' && { check: own }),
  };
}

/** The rows of the tenant that the request is about, found by `column`. */
export function tenantPolicy(column = 'organization_id'): PolicyDef {
  const tenant = `${column} = ${ORGANIZATION_ID}`;
  return { name: 'tenant', roles: [APP_ROLE], using: tenant, check: tenant };
}

/** The rows of the person who asks, in the tenant that the request is about: of nobody else there, and nowhere else. */
export function ownInTenantPolicy(): PolicyDef {
  const own = `organization_id = ${ORGANIZATION_ID} and user_id = ${USER_ID}`;
  return { name: 'own_in_tenant', roles: [APP_ROLE], using: own, check: own };
}
