import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';
import { User } from '../../users/user.entity.js';

const PasswordCredentialSchema = defineEntity({
  name: 'PasswordCredential',
  tableName: 'password_credentials',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  indexes: [
    {
      name: 'password_credentials_decoy_index',
      expression: `create index password_credentials_decoy_index on password_credentials ((reverse(user_id::text) collate "C"))`,
    },
  ],
  properties: {
    user: () => p.oneToOne(User).primary().owner().deleteRule('cascade'),
    passwordHash: p.text(),
    changedAt: p.datetime(),
  },
});

/** A person's password, as its hash. Apart from `users`, so that no list of people can carry it along. */
export class PasswordCredential extends PasswordCredentialSchema.class {}
PasswordCredentialSchema.setClass(PasswordCredential);
