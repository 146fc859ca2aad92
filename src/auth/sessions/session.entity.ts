import { defineEntity, p } from '@mikro-orm/core';
import { ownPolicy, systemPolicy } from '../../database/policies.js';
import { User } from '../../users/user.entity.js';

const SessionSchema = defineEntity({
  name: 'Session',
  tableName: 'user_sessions',
  rowLevelSecurity: 'force',
  policies: [ownPolicy('user_id', 'select'), systemPolicy],
  indexes: [{ properties: ['revokedAt'] }],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).deleteRule('cascade').index(),
    /** The secret key that the refresh tokens of this family are derived with. */
    familyKeyId: p.text(),
    methods: p.array().$type<string[]>(),
    ip: p.text().nullable(),
    userAgent: p.text().nullable(),
    createdAt: p.datetime(),
    lastActiveAt: p.datetime(),
    /** 7 days after the last refresh, never after {@link endsAt}. */
    expiresAt: p.datetime().index(),
    /** 30 days after sign-in. */
    endsAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
    revokedReason: p.text().nullable(),
    /** Whether its access tokens open the job board, too. */
    jobBoardOpen: p.boolean().default(false),
  },
});

/** One sign-in on one device, and the family of its refresh tokens. */
export class Session extends SessionSchema.class {}
SessionSchema.setClass(Session);
