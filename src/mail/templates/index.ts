import type { Links } from '../links.js';
import { accountDeletionConfirmed } from './account-deletion-confirmed.js';
import { accountDisabled } from './account-disabled.js';
import { changeRequestReturned } from './change-request-returned.js';
import { changeRequestWaits } from './change-request-waits.js';
import { cleanupAlert } from './cleanup-alert.js';
import { cleanupReport } from './cleanup-report.js';
import type { Mail } from './compose.js';
import { domainLapsed } from './domain-lapsed.js';
import { domainMissing } from './domain-missing.js';
import { emailChangeConfirm } from './email-change-confirm.js';
import { emailChangeNotice } from './email-change-notice.js';
import { emailChanged } from './email-changed.js';
import { invitation } from './invitation.js';
import { memberRemoved } from './member-removed.js';
import { organizationDeleted } from './organization-deleted.js';
import { ownershipTransferred } from './ownership-transferred.js';
import { passwordChanged } from './password-changed.js';
import { passwordReset } from './password-reset.js';
import { refreshTokenReuse } from './refresh-token-reuse.js';
import { registrationAttempt } from './registration-attempt.js';
import { roleChanged } from './role-changed.js';
import { verifyEmail } from './verify-email.js';
import { webhookDisabled } from './webhook-disabled.js';

/** Every mail that Tenon sends. */
export const templates = {
  'verify-email': verifyEmail,
  'registration-attempt': registrationAttempt,
  'password-reset': passwordReset,
  'password-changed': passwordChanged,
  'email-change-confirm': emailChangeConfirm,
  'email-change-notice': emailChangeNotice,
  'email-changed': emailChanged,
  invitation,
  'refresh-token-reuse': refreshTokenReuse,
  'account-deletion-confirmed': accountDeletionConfirmed,
  'account-disabled': accountDisabled,
  'role-changed': roleChanged,
  'member-removed': memberRemoved,
  'organization-deleted': organizationDeleted,
  'ownership-transferred': ownershipTransferred,
  'domain-missing': domainMissing,
  'domain-lapsed': domainLapsed,
  'webhook-disabled': webhookDisabled,
  'change-request-waits': changeRequestWaits,
  'change-request-returned': changeRequestReturned,
  'cleanup-report': cleanupReport,
  'cleanup-alert': cleanupAlert,
} as const;

export type TemplateName = keyof typeof templates;
/** What a mail needs to know. */
export type TemplateData<T extends TemplateName> = Parameters<(typeof templates)[T]>[0];

/** Makes the mail `template` from its data. */
export function renderMail<T extends TemplateName>(template: T, data: TemplateData<T>, links: Links): Mail {
  const render = templates[template] as (data: TemplateData<T>, links: Links) => Mail;
  return render(data, links);
}
