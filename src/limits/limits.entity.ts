import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../database/policies.js';
import { APP_ROLE } from '../database/tenant-context.js';

const RateLimitTrackingSchema = defineEntity({
  name: 'RateLimitTracking',
  tableName: 'rate_limit_tracking',
  rowLevelSecurity: 'force',
  policies: [{ name: 'app', roles: [APP_ROLE], using: 'true', check: 'true' }, systemPolicy],
  indexes: [{ name: 'rate_limit_tracking_expires_at_index', properties: ['expiresAt'] }],
  properties: {
    /** Keyed hash of policy and subject; neither address nor e-mail can be read from it. */
    key: p.blob().primary(),
    /** Name of the quota policy, such as `auth-ip`. */
    policy: p.string(),
    hits: p.integer(),
    windowStartedAt: p.datetime(),
    expiresAt: p.datetime(),
  },
});

/** How often one subject has met one limit in the window that ends at `expiresAt`. An unlogged table. */
export class RateLimitTracking extends RateLimitTrackingSchema.class {}
RateLimitTrackingSchema.setClass(RateLimitTracking);
