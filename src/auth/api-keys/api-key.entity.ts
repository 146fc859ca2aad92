import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy, tenantPolicy } from '../../database/policies.js';
import { Environment } from '../../environments/environment.entity.js';
import { Membership } from '../../organizations/members/membership.entity.js';
import { Organization } from '../../organizations/organization.entity.js';
import { ServiceAccount } from '../service-accounts/service-account.entity.js';

const ApiKeySchema = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  rowLevelSecurity: 'force',
  policies: [tenantPolicy(), systemPolicy],
  checks: [
    { name: 'api_keys_owner_check', expression: 'num_nonnulls(user_id, service_account_id) = 1' },
    {
      name: 'api_keys_previous_key_check',
      expression: '(previous_key_hash is null) = (previous_key_expires_at is null)',
    },
  ],
  indexes: [
    {
      // Whose keys go when a person is disabled.
      name: 'api_keys_user_id_index',
      expression: 'create index api_keys_user_id_index on api_keys (user_id) where user_id is not null',
    },
    {
      // What expired leaves after a while.
      name: 'api_keys_expires_at_index',
      expression: 'create index api_keys_expires_at_index on api_keys (expires_at) where expires_at is not null',
    },
  ],
  properties: {
    organization: () => p.manyToOne(Organization).primary().deleteRule('cascade'),
    id: p.uuid().primary().index(),
    name: p.text(),
    environment: () => p.manyToOne(Environment).joinColumn('environment_key').index(),
    scopes: p.array().$type<string[]>(),
    /** Whose key it is, if a person's; it goes with the membership. */
    member: () =>
      p
        .manyToOne(Membership)
        .joinColumns('organization_id', 'user_id')
        .ownColumns('user_id')
        .nullable()
        .deleteRule('cascade'),
    serviceAccount: () =>
      p
        .manyToOne(ServiceAccount)
        .joinColumns('organization_id', 'service_account_id')
        .ownColumns('service_account_id')
        .nullable()
        .deleteRule('cascade'),
    keyHash: p.blob().unique(),
    /** The last four characters. */
    hint: p.text(),
    /** What was replaced and still works for a while. */
    previousKeyHash: p.blob().nullable().unique(),
    previousKeyExpiresAt: p.datetime().nullable(),
    expiresAt: p.datetime().nullable(),
    /** Up to a minute late. */
    lastUsedAt: p.datetime().nullable(),
    createdBy: p.uuid(),
    createdAt: p.datetime(),
  },
});

/** What a program shows instead of a session. Only hashes of it are stored. */
export class ApiKey extends ApiKeySchema.class {}
ApiKeySchema.setClass(ApiKey);
