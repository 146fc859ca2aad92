import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';
import { User } from '../../users/user.entity.js';

const PasswordResetSchema = defineEntity({
  name: 'PasswordReset',
  tableName: 'password_resets',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).deleteRule('cascade').index(),
    tokenHash: p.blob().unique(),
    createdAt: p.datetime(),
    expiresAt: p.datetime().index(),
    usedAt: p.datetime().nullable(),
  },
});

/** A link to choose a new password: once, for an hour, until a newer one or another e-mail address replaces it. */
export class PasswordReset extends PasswordResetSchema.class {}
PasswordResetSchema.setClass(PasswordReset);
