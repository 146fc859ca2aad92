import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';

const RegistrationSchema = defineEntity({
  name: 'Registration',
  tableName: 'registrations',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    id: p.uuid().primary(),
    /** The id that the person will have. */
    userId: p.uuid(),
    email: p.text().index(),
    fullName: p.text(),
    organizationName: p.text().nullable(),
    passwordHash: p.text(),
    /** Where it came from, for the mail that asks for the proof. */
    ip: p.text().nullable(),
    tokenHash: p.blob().unique(),
    createdAt: p.datetime(),
    expiresAt: p.datetime().index(),
  },
});

/**
 * Somebody who says that an e-mail address is theirs. Each registration stands alone with its own password, name and
 * token: whoever registers a stranger's address gains nothing, because the stranger proves their own registration.
 */
export class Registration extends RegistrationSchema.class {}
RegistrationSchema.setClass(Registration);
