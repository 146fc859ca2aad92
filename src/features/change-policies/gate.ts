import type { EntityManager } from '@mikro-orm/postgresql';
import { type FieldError, problem } from '../../kernel/problem.js';
import type { ChangeEntry, ChangeOrigin } from '../change-log/change-entry.js';
import { policiesFor, readPolicies } from './change-policy.js';

/**
 * Refuses what policies do not let pass as it is.
 * @throws Problem `validation_failed` where a reason is missing; `feature_change_needs_approval` where people have to agree
 * and the change comes from no approved request.
 */
export async function refuseUngated(
  em: EntityManager,
  entries: readonly ChangeEntry[],
  { changeRequestId, reason }: ChangeOrigin,
): Promise<void> {
  if (entries.length === 0) return;
  const policies = await readPolicies(em);
  for (const entry of entries)
    for (const { environment, approvals, reasonRequired } of policiesFor(entry, policies)) {
      if (reasonRequired && !entry.reason && !reason)
        throw problem('validation_failed', { errors: [missingReason(environment)] });
      if (approvals > 0 && changeRequestId === undefined)
        throw problem('feature_change_needs_approval', {
          detail: `In ${environment} ${approvals} ${approvals === 1 ? 'person has' : 'people have'} to approve this: ask for it by POST /api/v1/feature-changes${killSwitch(entry)}`,
        });
    }
}

/** What is wrong with a change that does not say why where it has to. */
export function missingReason(environment: string): FieldError {
  return { field: 'reason', code: 'reason_required', message: `Changes in ${environment} have to say why` };
}

/** The way that never waits, for whoever meant to switch a feature off and said more than that. */
function killSwitch({ feature, environment, after }: ChangeEntry): string {
  if (environment === undefined || after?.enabled !== false) return '';
  return `. To switch it off at once, and leave the rest as it is: PATCH /api/v1/features/${feature}/environments/${environment} with {"enabled": false}`;
}
