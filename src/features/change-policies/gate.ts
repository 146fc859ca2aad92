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
  await refuseUnexplained(em, entries, reason);
  if (changeRequestId !== undefined) return;
  const policies = await readPolicies(em);
  for (const entry of entries)
    for (const { environment, approvals } of policiesFor(entry, policies))
      if (approvals > 0)
        throw problem('feature_change_needs_approval', {
          detail: `In ${environment} ${approvals} ${approvals === 1 ? 'person has' : 'people have'} to approve this: ask for it by POST /api/v1/feature-changes${killSwitch(entry)}`,
        });
}

/**
 * Refuses changes that do not say why where they have to.
 * @param reason of those that have none of their own.
 * @throws Problem `validation_failed`.
 */
export async function refuseUnexplained(
  em: EntityManager,
  entries: readonly ChangeEntry[],
  reason: string | null | undefined,
): Promise<void> {
  if (reason) return;
  const policies = await readPolicies(em);
  for (const entry of entries.filter((one) => !one.reason))
    for (const { environment, reasonRequired } of policiesFor(entry, policies))
      if (reasonRequired) throw problem('validation_failed', { errors: [missingReason(environment)] });
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
