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

type Asking = Pick<FeatureChangeRequest, 'id' | 'effects' | 'contentHash' | 'authorId'>;

/** How far the approvals of a request are, as {@link readAllStandings} has it. */
export async function readStandings(em: EntityManager, request: Asking): Promise<Standing[]> {
  return (await readAllStandings(em, [request])).get(request.id)!;
}

/**
 * How far the approvals of requests are, by the policies of now and by the id of the request. What its author says does
 * not count, nor what was said of another content, nor by somebody who is no active platform admin any more.
 */
export async function readAllStandings(
  em: EntityManager,
  requests: readonly Asking[],
): Promise<ReadonlyMap<string, Standing[]>> {
  const policies = await readPolicies(em);
  const required = new Map(requests.map((request) => [request, requiredBy(request.effects, policies)]));
  const waiting = requests.filter((request) => required.get(request)!.length > 0);
  const approvals = waiting.length === 0 ? new Map<string, string[]>() : await readApprovals(em, waiting);
  return new Map(
    requests.map((request) => [
      request.id,
      required.get(request)!.map(({ environment, approvals: count, approvers }) => ({
        environment,
        required: count,
        given: approvals.get(request.id)!.filter((userId) => mayApprove({ approvers }, userId)).length,
      })),
    ]),
  );
}

/** Who has approved what requests are now, and still may, by the id of the request. */
async function readApprovals(em: EntityManager, requests: readonly Asking[]): Promise<Map<string, string[]>> {
  const reviews = await em.find(FeatureChangeReview, {
    request: { $in: requests.map(({ id }) => id) },
    verdict: 'approved',
  });
  const admins = new Set(await activeAdmins(em));
  const byRequest = Map.groupBy(reviews, (review) => review.request.id);
  return new Map(
    requests.map(({ id, contentHash, authorId }) => [
      id,
      (byRequest.get(id) ?? [])
        .filter((review) => review.contentHash === contentHash)
        .map(({ userId }) => userId)
        .filter((userId) => userId !== authorId && admins.has(userId)),
    ]),
  );
}

/** Whether a person's approval would count there. */
export function mayApprove({ approvers }: Pick<ChangePolicy, 'approvers'>, userId: string): boolean {
  return approvers.length === 0 || approvers.includes(userId);
}

/** Whether nobody has to say anything any more. */
export function isApproved(standings: readonly Standing[]): boolean {
  return standings.every(({ required, given }) => given >= required);
}

/** Where its approvals have brought a request that can still be applied. */
export function statusBy(
  standings: readonly Standing[],
  { applyAt }: Pick<FeatureChangeRequest, 'applyAt'>,
): 'pending' | 'scheduled' | 'approved' {
  if (!isApproved(standings)) return 'pending';
  return applyAt ? 'scheduled' : 'approved';
}

/** The refusal of what is not approved, with what is missing. */
export function needsApproval(standings: readonly Standing[]): Problem {
  const missing = standings
    .filter(({ required, given }) => given < required)
    .map(({ environment, required, given }) => `${environment} has ${given} of ${required}`);
  return problem('feature_change_needs_approval', { detail: `It waits for approvals: ${missing.join(', ')}` });
}
