import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';
import { Session } from './session.entity.js';

const RefreshTokenSchema = defineEntity({
  name: 'RefreshToken',
  tableName: 'refresh_tokens',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    /** SHA-256 of the token: what is presented is found by it. */
    tokenHash: p.blob().primary(),
    session: () => p.manyToOne(Session).deleteRule('cascade').index(),
    createdAt: p.datetime(),
    expiresAt: p.datetime().index(),
    usedAt: p.datetime().nullable(),
  },
});

/** One link of a session's chain of refresh tokens; the one without `usedAt` is its head. */
export class RefreshToken extends RefreshTokenSchema.class {}
RefreshTokenSchema.setClass(RefreshToken);
