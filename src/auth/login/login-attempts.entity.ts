import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';

const LoginAttemptsSchema = defineEntity({
  name: 'LoginAttempts',
  tableName: 'login_attempts',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    /** HMAC of the e-mail address: an address that has no account leaves none behind. */
    key: p.blob().primary(),
    failures: p.integer(),
    blockedUntil: p.datetime().nullable(),
    expiresAt: p.datetime().index(),
  },
});

/** Failed passwords of one e-mail address, known or not. Logged, unlike the rate limits: it survives a crash. */
export class LoginAttempts extends LoginAttemptsSchema.class {}
LoginAttemptsSchema.setClass(LoginAttempts);
