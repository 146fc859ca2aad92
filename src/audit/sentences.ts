import { isPermission } from '../kernel/permissions.js';
import type { EntryFacts } from './audit-log.view.js';
import { NO_REASON, shown, Telling } from './telling.js';

type Sentence = (entry: Telling) => string;

/** Every action that is recorded, `area.verb`, in a sentence. A test finds actions without one. */
const table = {
  'registration.requested': (e) => `${e.who} asked for an account for ${e.target}`,
  'registration.resend_requested': (e) => `${e.who} asked for another mail to verify ${e.target}`,
  'user.registered': (e) => `${e.self} registered${e.as('email')}`,
  'user.imported': (e) => `${e.who} imported ${e.now(e.person, 'fullName', 'email')}`,
  'user.updated': (e) => `${e.who} changed ${e.ofSelf ? 'their own profile' : `the profile of ${e.person}`}${e.fields}`,
  'user.disabled': (e) => `${e.who} disabled the account of ${e.person}`,
  'user.enabled': (e) => `${e.who} enabled the account of ${e.person}`,
  'user.deleted': (e) => `${e.who} deleted ${e.ofSelf ? 'their own account' : `the account of ${e.person}`}`,
  'platform_admin.created': (e) => `${e.who} made the first platform admin, ${e.now(e.person, 'email')}`,
  'platform_admin.granted': (e) => `${e.who} made ${e.person} a platform admin`,

  'job_board.opened': (e) => `${e.who} opened the job board`,
  'job_board.closed': (e) => `${e.who} closed the job board`,
  'job.retried': (e) => `${e.who} had ${e.target} tried again`,
  'job.promoted': (e) => `${e.who} had ${e.target} run without waiting`,
  'job.removed': (e) => `${e.who} removed ${e.target} from its queue`,
  'queue.paused': (e) => `${e.who} paused ${e.target}`,
  'queue.resumed': (e) => `${e.who} resumed ${e.target}`,

  'session.opened': (e) => `${e.person} signed in`,
  'session.ended': (e) =>
    e.byAnother
      ? `${e.who} ended a session of ${e.person}: ${e.reason}`
      : `A session of ${e.person} ended: ${e.reason}`,
  'password.refused': (e) =>
    e.ofSelf
      ? `${e.who} gave a wrong password of their own: ${e.reason}`
      : `${e.who} failed to sign in as ${e.target}: ${e.reason}`,
  'password.locked': (e) => `Signing in as ${e.target} was locked for a while: ${e.reason}`,
  'password.reset_requested': (e) => `${e.who} asked to reset the password of ${e.target}`,
  'password.reset': (e) =>
    e.byAnother ? `${e.who} reset the password of ${e.person}` : `${e.person} set a new password by mail`,
  'password.changed': (e) => `${e.self} changed their password`,
  'email.change_requested': (e) => `${e.self} asked to change their e-mail address${e.change('email')}`,
  'email.changed': (e) => `${e.self} changed their e-mail address${e.change('email')}`,
  'email.change_undone': (e) => `${e.self} undid a change of their e-mail address${e.change('email')}`,
  'signing_key.created': (e) => `${e.who} made the key ${e.target} that signs access tokens`,
  'signing_key.rotated': (e) => `${e.who} replaced the key that signs access tokens${e.change('kid')}`,
  'signing_key.removed': (e) => `${e.who} removed the key ${e.target} that signed access tokens`,
  // What was missing is a permission or a standing; what stood in the way is a code, such as ip_not_allowed, or a sentence.
  'permission.denied': (e) => `${e.who} was refused ${e.target}${needs(e.reason)}`,

  'organization.created': (e) => `${e.self} founded the organization ${e.now(e.target, 'name')}`,
  'organization.updated': (e) =>
    e.changes('name')
      ? `${e.who} renamed the organization${e.change('name')}`
      : `${e.who} changed the organization${e.fields}`,
  'organization.deactivated': (e) => `${e.who} deactivated the organization`,
  'organization.reactivated': (e) => `${e.who} reactivated the organization`,
  'organization.deleted': (e) => `${e.who} deleted the organization`,
  'organization.restored': (e) => `${e.who} restored the organization`,
  'organization.purged': (e) => `${e.who} removed the organization ${e.now(e.target, 'name')} for good`,
  'organization.ownership_transferred': (e) => `${e.who} handed the ownership to ${e.person}`,
  'organization.settings_updated': (e) => `${e.who} changed the settings${e.fields}`,
  'organization.plan_changed': (e) => `${e.who} changed the plan${e.change('plan', 'planKey', 'key')}`,
  'organization.policies_updated': (e) => `${e.who} changed the security policies${e.fields}`,
  'organization.cleanup_policy_updated': (e) => `${e.who} changed how long data is kept${e.fields}`,
  'member.joined': (e) =>
    e.byAnother ? `${e.who} added ${e.person}${e.as('role')}` : `${e.person} joined${e.as('role')}`,
  'member.role_changed': (e) =>
    `${e.who} changed ${e.ofSelf ? 'their own role' : `the role of ${e.person}`}${e.change('role')}`,
  'member.removed': (e) => (e.ofSelf ? `${e.who} left by deleting their account` : `${e.who} removed ${e.person}`),
  'member.left': (e) => `${e.self} left`,
  'role.created': (e) => `${e.who} made the role ${e.now(e.target, 'key', 'name')}`,
  'role.updated': (e) => `${e.who} changed the role ${e.target}${e.fields}`,
  'role.deleted': (e) => `${e.who} removed the role ${e.now(e.target, 'key', 'name')}`,
  'invitation.created': (e) => `${e.who} invited ${e.now('somebody', 'email')}${e.as('role')}`,
  'invitation.resent': (e) => `${e.who} sent the invitation of ${e.now('somebody', 'email')} again`,
  'invitation.revoked': (e) => `${e.who} withdrew the invitation of ${e.now('somebody', 'email')}`,
  'invitation.accepted': (e) => `${e.self} accepted the invitation of ${e.now('somebody', 'email')}`,
  'domain.claimed': (e) => `${e.who} claimed the domain ${e.now(e.target, 'domain')}`,
  'domain.verified': (e) => `${e.who} proved the domain ${e.now(e.target, 'domain')}`,
  'domain.lapsed': (e) => `The proof of the domain ${e.now(e.target, 'domain')} lapsed`,
  'domain.released': (e) => `${e.who} released the domain ${e.now(e.target, 'domain')}`,
  'service_account.created': (e) => `${e.who} made the service account ${e.now(e.target, 'name')}${e.as('role')}`,
  'service_account.updated': (e) => `${e.who} changed the service account ${e.now(e.target, 'name')}${e.fields}`,
  'service_account.deleted': (e) => `${e.who} removed the service account ${e.now(e.target, 'name')}`,
  'api_key.created': (e) => `${e.who} made the API key ${e.now(e.target, 'name')}`,
  'api_key.rotated': (e) => `${e.who} rotated the API key ${e.now(e.target, 'name')}`,
  'api_key.revoked': (e) =>
    `${e.who} revoked the API key ${e.now(e.target, 'name')}${e.reason === NO_REASON ? '' : `: ${e.reason}`}`,
  'plan.created': (e) => `${e.who} made the plan ${e.now(e.target, 'key', 'name')}`,
  'plan.updated': (e) => `${e.who} changed the plan ${e.target}${e.fields}`,
  'plan.deleted': (e) => `${e.who} removed the plan ${e.now(e.target, 'key', 'name')}`,

  'environment.created': (e) => `${e.who} made the environment ${e.target}`,
  'environment.deleted': (e) => `${e.who} removed the environment ${e.target}`,
  'feature.created': (e) => `${e.who} made the feature ${e.target}`,
  'feature.updated': (e) => `${e.who} changed the feature ${e.target}${e.fields}`,
  'feature.deleted': (e) => `${e.who} removed the feature ${e.target}`,
  'feature.configured': (e) => {
    const [state, where] = [e.switched('enabled'), `in ${e.now('an environment', 'environment')}`];
    if (state === null) return `${e.who} configured the feature ${e.target} ${where}${e.fields}`;
    const more = e.fieldsBut('enabled');
    return `${e.who} switched ${state} the feature ${e.target} ${where}${more && `, and configured it there${more}`}`;
  },
  'feature.overridden': (e) => {
    const [state, where] = [e.switched('value'), `in ${e.now('every environment', 'environment')}`];
    if (state !== null) return `${e.who} switched ${state} the feature ${e.target} ${where} by an override`;
    return e.changes('value')
      ? `${e.who} overrode the feature ${e.target} ${where}${e.change('value')}`
      : `${e.who} changed the override of the feature ${e.target} ${where}${e.fields}`;
  },
  'feature.override_removed': (e) =>
    `${e.who} removed the override of the feature ${e.target} in ${e.now('every environment', 'environment')}`,
  'feature.overrides_removed': (e) =>
    `${e.who} removed the environment ${e.target}, and with it what was overridden there${e.fields}`,
  'feature_change_policy.updated': (e) => `${e.who} changed what changes of features need in ${e.target}${e.fields}`,
  'feature_change_request.created': (e) => `${e.who} asked for the change of features ${e.now(e.target, 'title')}`,
  'feature_change_request.updated': (e) => `${e.who} changed the change request ${e.now(e.target, 'title')}`,
  'feature_change_request.cancelled': (e) => `${e.who} took back the change request ${e.now(e.target, 'title')}`,
  'feature_change_request.approved': (e) => `${e.who} approved the change request ${e.now(e.target, 'title')}`,
  'feature_change_request.rejected': (e) => `${e.who} rejected the change request ${e.now(e.target, 'title')}`,
  'feature_change_request.applied': (e) => `${e.who} applied the change request ${e.now(e.target, 'title')}`,
  'feature_change_request.settled': (e) =>
    `A policy moved the change request ${e.now(e.target, 'title')}${e.change('status')}`,
  'segment.created': (e) => `${e.who} made the segment ${e.target}`,
  'segment.updated': (e) => `${e.who} changed the segment ${e.target}${e.fields}`,
  'segment.deleted': (e) => `${e.who} removed the segment ${e.target}`,
  'widget.created': (e) => `${e.who} made the widget ${e.target}`,
  'widget.updated': (e) => `${e.who} changed the widget ${e.target}${e.fields}`,
  'widget.deleted': (e) => `${e.who} removed the widget ${e.target}`,
  'dashboard.arranged': (e) => `${e.self} arranged their dashboard`,
  'dashboard.reset': (e) => `${e.self} went back to the default dashboard`,
  'cleanup.requested': (e) =>
    `${e.who} asked for what has expired to be ${e.now('', 'dryRun') === 'true' ? 'counted' : 'removed'}: ${e.now('…', 'types')}`,
  'cleanup.ended': (e) =>
    `${e.who} removed ${e.now('0', 'deleted')} of ${e.count('expired', 'row', '0')} that had expired`,
  'schedule.updated': (e) => {
    const state = e.switched('enabled');
    if (state === null) return `${e.who} changed when ${e.target} runs${e.fields}`;
    const more = e.fieldsBut('enabled');
    const verb = state === 'on' ? 'resumed' : 'paused';
    return `${e.who} ${verb} ${e.target}${more && `, and changed when it runs${more}`}`;
  },
  'schedule.run_requested': (e) => `${e.who} had ${e.target} run at once`,
  'cleanup.report_requested': (e) => `${e.who} asked for the ${e.now('…', 'reportType')} report of the cleanup`,
  'cleanup.report_made': (e) =>
    `${e.who} made the ${e.now('…', 'reportType')} report of the cleanup: ${e.count('deleted', 'row', '0')} removed`,
  'cleanup.run_failed': (e) => `${e.who} gave up on ${e.now('…', 'type')}: ${e.now('…', 'message')}`,
  'cleanup.backlog_grows': (e) =>
    `${e.who} found that more and more of ${e.now('…', 'type')} has expired and is still there: ${e.count('expired', 'row', '…')}`,
  'cleanup.slot_not_run': (e) =>
    `${e.who} found that ${e.now('…', 'schedule')} has not run: it was due at ${e.now('…', 'at')}`,
  'cleanup.slot_missed': (e) => `${e.who} ran late: ${e.now('…', 'schedule')} was due at ${e.now('…', 'at')}`,
  'template.created': (e) => `${e.who} made the template ${e.target}`,
  'template.updated': (e) => `${e.who} changed the template ${e.target}${e.fields}`,
  'template.deleted': (e) => `${e.who} removed the template ${e.target}`,
  'template.applied': (e) =>
    `${e.who} applied the template ${e.target} to ${e.count('organizations', 'organization', 'no')}`,
  'template.rolled_back': (e) =>
    `${e.who} rolled the template ${e.target} back for ${e.count('organizations', 'organization', 'its')}${kept(e.now('', 'kept'))}`,

  'webhook.created': (e) => `${e.who} made a webhook to ${e.now('a receiver', 'host')}`,
  'webhook.updated': (e) => {
    const [state, webhook] = [e.switched('enabled'), `the webhook to ${e.now('a receiver', 'host')}`];
    if (state === null) return `${e.who} changed ${webhook}${e.fields}`;
    const more = e.fieldsBut('enabled');
    return `${e.who} switched ${state} ${webhook}${more && `, and changed it${more}`}`;
  },
  'webhook.deleted': (e) => `${e.who} removed the webhook to ${e.now('a receiver', 'host')}`,
  'webhook.disabled': (e) => `${e.who} switched off the webhook to ${e.now('a receiver', 'host')}: ${e.reason}`,
  'webhook.secret_rotated': (e) => `${e.who} gave the webhook to ${e.now('a receiver', 'host')} another secret`,
  'webhook.tested': (e) => `${e.who} sent a test to the webhook to ${e.now('a receiver', 'host')}`,
  'webhook.replayed': (e) =>
    `${e.who} had ${e.count('deliveries', 'event', 'some')} sent again to ${e.now('a receiver', 'host')}`,
  'purge.planned': (e) => `${e.who} planned a purge of ${e.now('data', 'scope')}`,
  'purge.confirmed': (e) => `${e.who} confirmed a purge of ${e.now('data', 'scope')}`,
  'purge.refused': (e) => `${e.who} was refused a purge: ${e.reason}`,
  'purge.completed': (e) => `${e.who} purged ${e.now('data', 'scope')}: ${e.count('rows', 'row', 'some')}`,
} satisfies Record<string, Sentence>;

const sentences: ReadonlyMap<string, Sentence> = new Map(Object.entries<Sentence>(table));
/** Every action that has a sentence. */
export const ACTIONS: readonly string[] = [...sentences.keys()];

/** Actions that are also recorded where they could not be done, in a sentence of that. */
const failures: ReadonlyMap<string, Sentence> = new Map(
  Object.entries<Sentence>({
    'feature_change_request.applied': (e) =>
      `${e.who} could not apply the change request ${e.now(e.target, 'title')}: ${e.refusal}`,
    'template.applied': (e) => `${e.who} could not apply the template ${e.target}: ${e.refusal}${e.of('feature')}`,
  }),
);

/** Work that goes on where a part of it fails. */
const IN_PARTS = new Set(['cleanup.ended', 'purge.completed']);

/** These say themselves that something was refused. */
const REFUSALS = new Set(['password.refused', 'password.locked', 'permission.denied', 'purge.refused']);

/**
 * An entry as a sentence of plain text: `Grace Hopper changed the role of Ada Lovelace from member to admin`. It holds
 * what people chose, shortened and on one line, and is no markup.
 * @param names of people by their ids; who is not among them deleted their account.
 */
export function toSentence(entry: EntryFacts, names: ReadonlyMap<string, string>): string {
  const telling = new Telling(entry, names);
  // Not the first letter of a name: people write theirs as they like.
  return whole(entry, telling).replace(OWN_WORD, (word) => word.toUpperCase());
}

/** What was done, or was not. */
function whole({ action, outcome }: EntryFacts, telling: Telling): string {
  const failure = outcome === 'failure' ? failures.get(action) : undefined;
  if (failure) return failure(telling);
  const sentence = (sentences.get(action) ?? byWords(action))(telling);
  if (outcome === 'success' || REFUSALS.has(action)) return sentence;
  return IN_PARTS.has(action) ? `${sentence}, but a part failed` : `${sentence}, but was refused: ${telling.refusal}`;
}

/** The first letter of the words that a sentence of ours can begin with. */
const OWN_WORD = /^[ast](?=( deleted user| deleted service account| platform admin|omebody|he service account)\b)/;

/** What a rollback left, if anything. */
function kept(count: string): string {
  return count && `, except for ${count} overrides that had been changed since`;
}

/** What stood against a refused call. */
function needs(reason: string): string {
  if (reason === 'platform-admin') return ', which is for platform admins';
  if (reason === 'api-key') return ', which needs an API key';
  if (reason === 'member' || reason === 'session' || isPermission(reason)) return `, which needs ${reason}`;
  return `: ${reason}`;
}

/** Of an action that a later version wrote: `Ada Lovelace: api key renamed`. */
function byWords(action: string): Sentence {
  return (e) => `${e.who}: ${shown(action.replaceAll(/[._-]+/g, ' ')) ?? '…'}`;
}
