import { AuditEntry } from './audit/audit-entry.entity.js';
import { OutboxMessage } from './jobs/outbox.entity.js';
import { RateLimitTracking } from './limits/limits.entity.js';
import { EmailChange } from './auth/email-change/email-change.entity.js';
import { LoginAttempts } from './auth/login/login-attempts.entity.js';
import { PasswordCredential } from './auth/passwords/password-credential.entity.js';
import { PasswordReset } from './auth/passwords/password-reset.entity.js';
import { Registration } from './auth/registration/registration.entity.js';
import { RefreshToken } from './auth/sessions/refresh-token.entity.js';
import { Session } from './auth/sessions/session.entity.js';
import { SigningKey } from './auth/tokens/signing-key.entity.js';
import { Membership } from './organizations/membership.entity.js';
import { Organization } from './organizations/organization.entity.js';
import { User } from './users/user.entity.js';

/** Every table that the ORM knows. */
export const entities = [
  AuditEntry,
  OutboxMessage,
  RateLimitTracking,
  User,
  Organization,
  Membership,
  PasswordCredential,
  PasswordReset,
  Registration,
  EmailChange,
  LoginAttempts,
  Session,
  RefreshToken,
  SigningKey,
];
