import { defineEntity, p } from '@mikro-orm/core';
import { ownPolicy, systemPolicy } from '../database/policies.js';
import { APP_ROLE } from '../database/tenant-context.js';

export type UserStatus = 'active' | 'disabled' | 'deleted';

const UserSchema = defineEntity({
  name: 'User',
  tableName: 'users',
  rowLevelSecurity: 'force',
  policies: [
    ownPolicy('id', 'select'),
    ownPolicy('id', 'update'),
    {
      name: 'fellow_reads',
      command: 'select',
      roles: [APP_ROLE],
      using: `exists (select 1 from user_organization_membership m where m.user_id = users.id and m.organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)`,
    },
    systemPolicy,
  ],
  properties: {
    id: p.uuid().primary(),
    /** Normalised by `normalizeEmail`: one account for one mailbox. */
    email: p.text().unique(),
    emailVerifiedAt: p.datetime().nullable(),
    fullName: p.text(),
    locale: p.text().nullable(),
    timeZone: p.text().nullable(),
    status: p.enum(['active', 'disabled', 'deleted'] as const).default('active'),
    platformRole: p.enum(['admin'] as const).nullable(),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
  },
});

/** A person with a proven e-mail address. Whoever has not proven theirs yet is a registration and no user. */
export class User extends UserSchema.class {}
UserSchema.setClass(User);
