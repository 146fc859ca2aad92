import { type EntityManager, LockMode, raw } from '@mikro-orm/postgresql';
import { isPaused } from '../../jobs/schedules.queries.js';
import { invalidField, problem } from '../../kernel/problem.js';
import { readNames } from '../../users/names.queries.js';
import type { ChangeRequestsQuery } from './change-requests.dto.js';
import type { ListedRequest, Names, RequestFacts } from './change-requests.view.js';
import type { FollowedHashes } from './content-hash.js';
import { findOvertaking } from './effects.js';
import { FeatureChangeRequest, FeatureChangeReview, type RequestStatus } from './feature-change-request.entity.js';
import { readStandings } from './standing.js';

/** The scheduled task that makes requests at their time. */
export const APPLYING_TASK = 'feature-changes-apply';
/** Those that can still be applied. */
const OPEN: RequestStatus[] = ['pending', 'approved', 'scheduled'];
/** Those that are going to be made as they are. */
const AGREED: RequestStatus[] = ['approved', 'scheduled'];
/** Those of which it says something by what they are outdated: that stays readable when they failed by it. */
const COMPARED: RequestStatus[] = [...OPEN, 'failed'];
const MAX_OVERLAPS = 20;
/** Each is tried under the lock of all features whenever one that follows it is asked for. */
const MAX_FOLLOWED = 20;
/** Megabytes, where somebody asks for much: only a single request shows them. */
const HEAVY = ['changes', 'effects', 'notCarriedOver'] as const;

/** Requests that meet every filter, newest first, and one more where there are more. */
export async function findRequests(
  em: EntityManager,
  { status, feature, limit }: ChangeRequestsQuery,
  before: string | null,
): Promise<ListedRequest[]> {
  const where = {
    ...(status && { status }),
    ...(feature && { subjects: { $contains: [`feature:${feature}`] } }),
    ...(before && { id: { $lt: before } }),
  };
  return em.find(FeatureChangeRequest, where, { orderBy: { id: 'desc' }, limit: limit + 1, exclude: HEAVY });
}

/**
 * What has to be made before a request that follows these can be, as far as it is not yet: in the order in which it was
 * asked for, with what those follow in turn.
 * @throws Problem `validation_failed` for too many.
 */
export async function findFollowed(em: EntityManager, follows: readonly string[]): Promise<FeatureChangeRequest[]> {
  const found = new Map<string, FeatureChangeRequest>();
  for (let ids = [...follows]; ids.length > 0;) {
    const open = await em.find(FeatureChangeRequest, { id: { $in: ids }, status: { $in: OPEN } });
    for (const request of open) found.set(request.id, request);
    if (found.size > MAX_FOLLOWED)
      throw invalidField('follows', 'too_many_followed', `At most ${MAX_FOLLOWED} open requests can come before it`);
    ids = open.flatMap((request) => request.follows).filter((id) => !found.has(id));
  }
  return [...found.values()].toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

/** The contents, as they are now, of the requests that one follows. */
export async function readFollowedHashes(em: EntityManager, follows: readonly string[]): Promise<FollowedHashes> {
  if (follows.length === 0) return [];
  const rows = await em.find(FeatureChangeRequest, { id: { $in: [...follows] } }, { fields: ['id', 'contentHash'] });
  const hashes = new Map(rows.map(({ id, contentHash }) => [id, contentHash]));
  return follows.map((id) => hashes.get(id));
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
    outdatedBy: COMPARED.includes(request.status) ? await findOvertaking(em, request) : [],
    heldUpBy: request.status === 'scheduled' && (await isPaused(em, APPLYING_TASK)) ? APPLYING_TASK : null,
  };
}

/** What everybody is called who has to do with requests. */
export async function namesOf(
  em: EntityManager,
  requests: readonly Pick<FeatureChangeRequest, 'authorId'>[],
  reviews: readonly FeatureChangeReview[] = [],
): Promise<Names> {
  const ids = new Set([...requests.map(({ authorId }) => authorId), ...reviews.map(({ userId }) => userId)]);
  return ids.size > 0 ? readNames(em, [...ids]) : new Map<string, string>();
}

/**
 * Requests that can still be applied, and whose time, if they have one, has not passed: an old change is not made by
 * surprise, and of one that is due its author is told that it was not made.
 */
export async function findUndone(em: EntityManager): Promise<FeatureChangeRequest[]> {
  return em.find(
    FeatureChangeRequest,
    { status: { $in: OPEN }, $or: [{ applyAt: null }, { applyAt: { $gt: raw('now()') } }] },
    { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE },
  );
}

/**
 * One that is pending says nothing of what others ask for, as nobody has agreed to it; but with a time to come, it is on
 * its way to be made.
 */
async function findOverlaps(em: EntityManager, { id, subjects }: FeatureChangeRequest): Promise<ListedRequest[]> {
  const onTheirWay = {
    $or: [{ status: { $in: AGREED } }, { status: 'pending' as const, applyAt: { $gt: raw('now()') } }],
  };
  return em.find(
    FeatureChangeRequest,
    { id: { $ne: id }, subjects: { $overlap: subjects }, ...onTheirWay },
    { orderBy: { id: 'asc' }, limit: MAX_OVERLAPS, exclude: HEAVY },
  );
}
