import type { EntityManager } from '@mikro-orm/postgresql';
import { type Problem, problem } from '../../kernel/problem.js';
import { activeAdmins } from '../change-policies/approvers.queries.js';
import { type ChangePolicy, policiesFor, readPolicies } from '../change-policies/change-policy.js';
import type { Effect } from './effects.js';
import { FeatureChangeReview, type FeatureChangeRequest } from './feature-change-request.entity.js';

/** How far the approvals of a request are that one environment asks for. */
export interface Standing {
  environment: string;
  required: number;
  /** By people who may approve now, of the content as it is now. */
  given: number;
}

/** What environments ask of changes, whatever was given so far. */
export function requiredBy(effects: readonly Effect[], policies: readonly ChangePolicy[]): ChangePolicy[] {
  const asked = effects.flatMap((effect) =>
    policiesFor({ ...effect, environment: effect.environment ?? undefined }, policies),
  );
  return [...new Map(asked.filter(({ approvals }) => approvals > 0).map((one) => [one.environment, one])).values()];
}

/**
 * How far the approvals of a request are, by the policies of now. What its author says does not count, nor what was said
 * of another content, nor by somebody who is no active platform admin any more.
 */
export async function readStandings(
  em: EntityManager,
  request: Pick<FeatureChangeRequest, 'id' | 'effects' | 'contentHash' | 'authorId'>,
): Promise<Standing[]> {
  const { id, effects, contentHash, authorId } = request;
  const policies = requiredBy(effects, await readPolicies(em));
  if (policies.length === 0) return [];
  const reviews = await em.find(FeatureChangeReview, { request: id, verdict: 'approved', contentHash });
  const admins = new Set(await activeAdmins(em));
  const approved = reviews.map(({ userId }) => userId).filter((userId) => userId !== authorId && admins.has(userId));
  return policies.map(({ environment, approvals: required, approvers }) => ({
    environment,
    required,
    given: approved.filter((userId) => mayApprove({ approvers }, userId)).length,
  }));
}

/** Whether a person's approval would count there. */
export function mayApprove({ approvers }: Pick<ChangePolicy, 'approvers'>, userId: string): boolean {
  return approvers.length === 0 || approvers.includes(userId);
}

/** Whether nobody has to say anything any more. */
export function isApproved(standings: readonly Standing[]): boolean {
  return standings.every(({ required, given }) => given >= required);
}

/** The refusal of what is not approved, with what is missing. */
export function needsApproval(standings: readonly Standing[]): Problem {
  const missing = standings
    .filter(({ required, given }) => given < required)
    .map(({ environment, required, given }) => `${environment} has ${given} of ${required}`);
  return problem('feature_change_needs_approval', { detail: `It waits for approvals: ${missing.join(', ')}` });
}
