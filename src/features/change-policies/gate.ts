import type { EntityManager } from '@mikro-orm/postgresql';
import { invalidField, problem } from '../../kernel/problem.js';
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
        throw invalidField('reason', 'reason_required', `Changes in ${environment} have to say why`);
      if (approvals > 0 && changeRequestId === undefined)
        throw problem('feature_change_needs_approval', {
          detail: `In ${environment} ${approvals} ${approvals === 1 ? 'person has' : 'people have'} to approve this: ask for it by POST /api/v1/feature-changes`,
        });
    }
}
