import { type EntityManager, LockMode } from '@mikro-orm/postgresql';
import { problem } from '../../kernel/problem.js';
import { readNames } from '../../users/names.queries.js';
import type { ChangeRequestsQuery } from './change-requests.dto.js';
import type { Names, RequestFacts } from './change-requests.view.js';
import { findOvertaking } from './effects.js';
import { FeatureChangeRequest, FeatureChangeReview, type RequestStatus } from './feature-change-request.entity.js';
import { readStandings } from './standing.js';

/** Those that can still be applied. */
const OPEN: RequestStatus[] = ['pending', 'approved', 'scheduled'];
const MAX_OVERLAPS = 20;

/** Requests that meet every filter, newest first, and one more where there are more. */
export async function findRequests(
  em: EntityManager,
  { status, feature, limit }: ChangeRequestsQuery,
  before: string | null,
): Promise<FeatureChangeRequest[]> {
  const where = {
    ...(status && { status }),
    ...(feature && { subjects: { $contains: [`feature:${feature}`] } }),
    ...(before && { id: { $lt: before } }),
  };
  return em.find(FeatureChangeRequest, where, { orderBy: { id: 'desc' }, limit: limit + 1 });
}

/** A request that nobody else changes until the transaction ends. @throws Problem `not_found`. */
export async function holdRequest(em: EntityManager, id: string): Promise<FeatureChangeRequest> {
  return em.findOneOrFail(
    FeatureChangeRequest,
    { id },
    { lockMode: LockMode.PESSIMISTIC_WRITE, failHandler: () => problem('not_found') },
  );
}

/** A request with all that is known of it. @throws Problem `not_found`. */
export async function readFacts(em: EntityManager, id: string): Promise<RequestFacts> {
  const request = await em.findOneOrFail(FeatureChangeRequest, { id }, { failHandler: () => problem('not_found') });
  const open = OPEN.includes(request.status);
  return {
    request,
    standings: await readStandings(em, request),
    reviews: await em.find(FeatureChangeReview, { request: id }, { orderBy: { at: 'asc' } }),
    overlaps: open ? await findOverlaps(em, request) : [],
    outdatedBy: open ? await findOvertaking(em, request) : [],
  };
}

/** What everybody is called who has to do with requests. */
export async function namesOf(
  em: EntityManager,
  requests: readonly FeatureChangeRequest[],
  reviews: readonly FeatureChangeReview[] = [],
): Promise<Names> {
  const ids = new Set([...requests.map(({ authorId }) => authorId), ...reviews.map(({ userId }) => userId)]);
  return ids.size > 0 ? readNames(em, [...ids]) : new Map<string, string>();
}

async function findOverlaps(
  em: EntityManager,
  { id, subjects }: FeatureChangeRequest,
): Promise<FeatureChangeRequest[]> {
  return em.find(
    FeatureChangeRequest,
    { id: { $ne: id }, status: { $in: OPEN }, subjects: { $overlap: subjects } },
    { orderBy: { id: 'asc' }, limit: MAX_OVERLAPS },
  );
}
