import { expiredApiKeys } from '../auth/api-keys/api-keys.cleanup.js';
import { expiredEmailChanges } from '../auth/email-change/email-change.cleanup.js';
import { expiredLoginAttempts } from '../auth/login/login-attempts.cleanup.js';
import { expiredPasswordResets } from '../auth/passwords/password-resets.cleanup.js';
import { expiredRegistrations } from '../auth/registration/registration.cleanup.js';
import { expiredRefreshTokens, expiredSessions } from '../auth/sessions/sessions.cleanup.js';
import type { ExpiringType } from '../database/expiring-type.js';
import type { RetainedType } from '../database/retained-rows.js';
import { expiredConsumptions, expiredMeters } from '../features/metering/metering.cleanup.js';
import { expiredOverrides } from '../features/overrides/overrides.cleanup.js';
import { expiredApplicationChanges } from '../features/templates/templates.cleanup.js';
import { expiredMessages } from '../jobs/outbox.cleanup.js';
import { expiredScheduleRuns } from '../jobs/schedule-runs.cleanup.js';
import { expiredLimits } from '../limits/limits.cleanup.js';
import { expiredInvitations } from '../organizations/invitations/invitations.cleanup.js';
import { expiredAlerts } from './alerts/alerts.cleanup.js';
import { expiredBacklog } from './backlog/backlog.cleanup.js';
import { expiredReports } from './reports/reports.cleanup.js';
import { expiredRuns } from './runs/cleanup-runs.cleanup.js';

/** What proves something once, or for a while. Refresh tokens come before their sessions, which would take them along. */
const TOKENS = [
  expiredRegistrations,
  expiredPasswordResets,
  expiredEmailChanges,
  expiredInvitations,
  expiredRefreshTokens,
  expiredSessions,
];

/** What else is kept for a time and not longer. */
const RECORDS = [
  expiredApiKeys,
  expiredLoginAttempts,
  expiredLimits,
  expiredOverrides,
  expiredConsumptions,
  expiredMeters,
  expiredApplicationChanges,
  expiredMessages,
  expiredRuns,
  expiredReports,
  expiredBacklog,
  expiredAlerts,
  expiredScheduleRuns,
];

/** Everything that leaves on time, in the order in which it is swept. */
export const EXPIRING_TYPES: readonly ExpiringType[] = [...TOKENS, ...RECORDS];
export const TYPE_NAMES: readonly string[] = EXPIRING_TYPES.map(({ name }) => name);
/** What people call each of them, by name. */
export const TYPE_TITLES: Readonly<Record<string, string>> = Object.fromEntries(
  EXPIRING_TYPES.map(({ name, title }) => [name, title]),
);
/** What is swept when somebody asks for a run and names no type. */
export const TOKEN_TYPE_NAMES: readonly string[] = TOKENS.map(({ name }) => name);
/** What is swept every hour. */
export const HOURLY_TYPE_NAMES: readonly string[] = EXPIRING_TYPES.filter(({ hourly }) => hourly).map(
  ({ name }) => name,
);

/** Of which each organization may choose how long they are kept. */
export const RETAINED_TYPES: readonly RetainedType[] = EXPIRING_TYPES.filter(
  (type): type is RetainedType => 'retention' in type,
);

/** The type of that name; undefined for one of another version. */
export const findType = (name: string): ExpiringType | undefined => EXPIRING_TYPES.find((type) => type.name === name);
