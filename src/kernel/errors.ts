/**
 * Every error that a caller can meet: code, status, sentence. The code is stable; the page `docs/errors.md` is
 * generated from here and a test compares the two.
 */
export const errors = {
  // application
  internal_error: { status: 500, title: 'Something went wrong on our side' },
  // validation
  validation_failed: { status: 400, title: 'The request does not fit its schema; `errors` names each field' },
  malformed_json: { status: 400, title: 'The body is not JSON that can be read' },
  link_invalid: { status: 400, title: 'The link was used, has expired or is unknown' },
  payload_too_large: { status: 413, title: 'The body is larger than 1 MiB' },
  unsupported_media_type: { status: 415, title: 'The body has to be application/json' },
  // authentication
  authentication_required: { status: 401, title: 'Sign in first' },
  invalid_credentials: { status: 401, title: 'E-mail or password is wrong' },
  token_invalid: { status: 401, title: 'The token is wrong, has expired or was revoked' },
  reauthentication_required: { status: 401, title: 'This asks for a newer sign-in' },
  refresh_token_reused: { status: 401, title: 'The refresh token was used before; its session has ended' },
  // authorization
  permission_denied: { status: 403, title: 'You may not do this' },
  organization_inactive: { status: 403, title: 'The organization is deactivated' },
  sign_in_method_not_allowed: { status: 403, title: 'The organization does not allow the way in which you signed in' },
  ip_not_allowed: { status: 403, title: 'The organization does not allow your address' },
  invitation_for_another: { status: 403, title: 'The invitation is for another e-mail address' },
  feature_change_self_approval: { status: 403, title: 'Nobody approves what they asked for themselves' },
  purge_not_allowed: { status: 403, title: 'This installation does not allow purges: PURGE_ALLOWED is not set' },
  plan_does_not_include: { status: 403, title: 'The plan of the organization does not include this' },
  email_not_verified: { status: 403, title: 'The e-mail address is not verified yet' },
  // not found
  not_found: { status: 404, title: 'There is nothing here' },
  // conflict
  conflict: { status: 409, title: 'This contradicts the present state' },
  email_taken: { status: 409, title: 'The e-mail address belongs to another account' },
  slug_taken: { status: 409, title: 'Another organization has this slug' },
  already_member: { status: 409, title: 'That person is a member already' },
  already_invited: { status: 409, title: 'That address has an open invitation; send it again or withdraw it' },
  seat_limit_reached: { status: 409, title: 'The plan has no seat left' },
  plan_limit_reached: { status: 409, title: 'The plan does not allow more of these' },
  api_key_limit_reached: { status: 409, title: 'The organization has as many API keys as it can; revoke some' },
  webhook_limit_reached: { status: 409, title: 'There are as many webhooks here as there can be; remove some' },
  webhook_disabled: { status: 409, title: 'The webhook is switched off; nothing is sent to it' },
  plan_in_use: { status: 409, title: 'Organizations are on this plan' },
  role_in_use: { status: 409, title: 'Members, service accounts or open invitations have this role' },
  role_key_taken: { status: 409, title: 'The organization has a role of this key' },
  domain_taken: { status: 409, title: 'Another organization has proven this domain' },
  domain_not_proven: { status: 409, title: 'The TXT record that proves the domain was not found' },
  policy_locks_you_out: { status: 409, title: 'With this policy you could not come in yourself' },
  environment_in_use: { status: 409, title: 'API keys, or a policy of approvals, are for this environment' },
  feature_dependency_cycle: { status: 409, title: 'A feature would need itself' },
  feature_dependency_unmet: { status: 409, title: 'The feature needs another one that is off' },
  feature_conflict: { status: 409, title: 'Two features that conflict cannot go together' },
  feature_in_use: { status: 409, title: 'Other features or widgets need this one, or templates give it' },
  feature_change_needs_approval: { status: 409, title: 'Somebody else has to approve this change' },
  feature_change_outdated: { status: 409, title: 'What the change request is about was changed since' },
  feature_change_scheduled: { status: 409, title: 'The change request is made at its time, and not by hand' },
  feature_change_applied: { status: 409, title: 'The change request was applied already' },
  feature_change_cancelled: { status: 409, title: 'The change request was taken back' },
  feature_change_rejected: { status: 409, title: 'The change request was rejected, and has to be asked for anew' },
  feature_change_failed: {
    status: 409,
    title: 'The change request could not be made at its time, and has to be asked for anew',
  },
  feature_segment_in_use: { status: 409, title: 'Rules of features use this segment' },
  feature_not_metered: { status: 409, title: 'The use of this feature is not counted' },
  feature_limit_reached: { status: 409, title: 'The organization has used up its limit' },
  template_rollback_expired: {
    status: 409,
    title: 'Applied more than 90 days ago: what organizations had before is no longer kept',
  },
  idempotency_key_reused: { status: 409, title: 'The idempotency key was used for another request' },
  purge_plan_used: { status: 409, title: 'The plan was executed already; make a new one' },
  purge_plan_expired: { status: 409, title: 'The plan is older than 15 minutes; make a new one' },
  purge_plan_outdated: { status: 409, title: 'What the plan would remove has changed since; make a new one' },
  purge_running: { status: 409, title: 'Another purge is running' },
  last_owner: { status: 409, title: 'An organization needs an owner; transfer it first' },
  last_admin: { status: 409, title: 'The platform needs an admin' },
  precondition_failed: { status: 412, title: 'Somebody changed this since you read it' },
  // rate limit
  too_many_attempts: { status: 429, title: 'Too many failed attempts; wait as long as Retry-After says' },
  rate_limit_exceeded: { status: 429, title: 'Too many requests; wait as long as Retry-After says' },
  // external service
  external_service_failed: { status: 502, title: 'A service that Tenon depends on failed' },
  service_unavailable: { status: 503, title: 'Not available right now; try again' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errors;
