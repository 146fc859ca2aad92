import { ApiProperty } from '@nestjs/swagger';
import type { JsonObject } from '../../kernel/json.js';
import { CursorMeta } from '../../kernel/lists.js';
import { ChangedThingView, DifferenceView } from '../change-log/change-log.view.js';
import { differencesOf } from '../change-log/differences.js';
import { NotCarriedOverView } from '../transfer/import.view.js';
import { EDITS_SCHEMA } from './change-requests.dto.js';
import type { AnyEdit } from './edits.dto.js';
import type { Effect, Overtaking } from './effects.js';
import {
  type FeatureChangeRequest,
  type FeatureChangeReview,
  REQUEST_STATUSES,
  type RequestStatus,
  type Verdict,
  VERDICTS,
} from './feature-change-request.entity.js';
import type { Standing } from './standing.js';

const ID = '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00';
const TIME = '2026-11-25T08:00:00.000Z';
const STATE = { type: 'object', additionalProperties: true, nullable: true } as const;

/** A person. */
export class PersonView {
  /** Who it is. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /** What they are called now; null once the account is deleted. */
  @ApiProperty({ type: String, nullable: true, example: 'Grace Hopper' })
  fullName!: string | null;
}

/** What a request would change. */
export class EffectView extends ChangedThingView implements Effect {
  /** What it was when it was asked for; null: not there, or not configured. */
  @ApiProperty({ ...STATE, example: null })
  before!: JsonObject | null;
  /** What it would be; null: gone. */
  @ApiProperty({ ...STATE, example: { enabled: true, rules: [], rollout: null } })
  after!: JsonObject | null;
  /**
   * Whether it follows from the change of something else.
   * @example false
   */
  derived!: boolean;
  /** Where the two differ. */
  differences!: DifferenceView[];
}

/** How far the approvals are that an environment asks for. */
export class StandingView implements Standing {
  /**
   * Key of the environment.
   * @example production
   */
  environment!: string;
  /**
   * How many have to approve.
   * @example 1
   */
  required!: number;
  /**
   * How many have approved the content as it is now.
   * @example 0
   */
  given!: number;
}

/** What somebody said of a request. */
export class ReviewView {
  /** Who said it. */
  by!: PersonView;
  /** What they said. */
  @ApiProperty({ enum: VERDICTS, example: 'approved' })
  verdict!: Verdict;
  /** Why. */
  @ApiProperty({ type: String, nullable: true, example: 'Looks right' })
  comment!: string | null;
  /** When. */
  @ApiProperty({ format: 'date-time', example: TIME })
  at!: string;
  /**
   * false: it was of an earlier content, and does not count.
   * @example true
   */
  current!: boolean;
}

/** Another request that touches the same, and is approved, scheduled, or waits for approvals with a time to come. */
export class OverlapView {
  /** Which request. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /**
   * What it is about.
   * @example "Everybody sees the reports"
   */
  title!: string;
  /** Its state. */
  @ApiProperty({ enum: REQUEST_STATUSES, example: 'scheduled' })
  status!: RequestStatus;
  /** When it is to be made. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: TIME })
  applyAt!: string | null;
  /** What both touch. */
  @ApiProperty({ type: [String], example: ['feature:reports'] })
  subjects!: string[];
}

/** A change that was made since, by which a request is outdated. */
export class OvertakingView extends ChangedThingView {
  /** Which change. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /** When it was made. */
  @ApiProperty({ format: 'date-time', example: TIME })
  at!: string;
  /** What it changed. */
  differences!: DifferenceView[];
}

/** Why a request could not be applied at its time. */
export class RequestFailureView {
  /**
   * A code of the error registry.
   * @example feature_change_outdated
   */
  code!: string;
  /**
   * What stood in the way.
   * @example "Changed since: configuration reports in production (rollout.percentage)"
   */
  detail!: string;
}

/** A change request in a list. */
export class ChangeRequestSummaryView {
  /** Sorted by time. */
  @ApiProperty({ format: 'uuid', example: ID })
  id!: string;
  /**
   * What it is about.
   * @example "A quarter of the people see the reports"
   */
  title!: string;
  /** Why. */
  @ApiProperty({ type: String, nullable: true, example: 'Pilot with two customers' })
  reason!: string | null;
  /** `pending` waits for approvals, `approved` for somebody to apply it, `scheduled` for its time. */
  @ApiProperty({ enum: REQUEST_STATUSES, example: 'pending' })
  status!: RequestStatus;
  /** Who asks. */
  author!: PersonView;
  /** What it touches: features, segments, policies. */
  @ApiProperty({ type: [String], example: ['feature:reports'] })
  subjects!: string[];
  /** When it is to be made, once it is approved; null: when somebody applies it. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  applyAt!: string | null;
  /** When it was made. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  appliedAt!: string | null;
  /** Why it could not be made at its time; null: it was not tried, or was made. */
  @ApiProperty({ type: RequestFailureView, nullable: true, example: null })
  failure!: RequestFailureView | null;
  /**
   * Counts its changes; the ETag holds it.
   * @example 1
   */
  version!: number;
  /** When it was asked for. */
  @ApiProperty({ format: 'date-time', example: TIME })
  createdAt!: string;
  /** When it was last changed. */
  @ApiProperty({ format: 'date-time', example: TIME })
  updatedAt!: string;
}

/** A change request. */
export class ChangeRequestView extends ChangeRequestSummaryView {
  /** What is to be done, in this order. */
  @ApiProperty(EDITS_SCHEMA)
  changes!: AnyEdit[];
  /** What that would change, tried when it was asked for. */
  effects!: EffectView[];
  /** What of the documents that it imports has no place here, or no place yet, and is not made. */
  notCarriedOver!: NotCarriedOverView[];
  /** Names what an approval is of: title, reason, the changes, their time, what they follow, and what they were made from. */
  @ApiProperty({ example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' })
  contentHash!: string;
  /**
   * The revision of all features that it was made from.
   * @example 42
   */
  baseRevision!: number;
  /** Requests that may be applied before this one though they touch the same. */
  @ApiProperty({ type: [String], format: 'uuid', example: [] })
  follows!: string[];
  /** How far the approvals are; nothing where nobody has to approve. */
  approvals!: StandingView[];
  /** What was said of it. */
  reviews!: ReviewView[];
  /** Other requests that touch the same, and are approved, scheduled, or wait for approvals with a time to come. */
  overlaps!: OverlapView[];
  /**
   * Changes of the same that were made since, also once it failed by them: with one of them it can be neither approved nor
   * applied; change the request to start from now.
   */
  outdatedBy!: OvertakingView[];
  /** The scheduled task that would make it at its time, and that somebody has paused; null: nothing holds it up. */
  @ApiProperty({ type: String, nullable: true, example: null })
  heldUpBy!: string | null;
}

/** A page of change requests, newest first. */
export class ChangeRequestsPageView {
  /** The change requests of this page. */
  data!: ChangeRequestSummaryView[];
  /** Whether and where it goes on. */
  meta!: CursorMeta;
}

/** What people are called now, by their ids. */
export type Names = ReadonlyMap<string, string>;

const toPerson = (id: string, names: Names): PersonView => ({ id, fullName: names.get(id) ?? null });

/** What a list shows of a request; what it changes can be megabytes. */
export type ListedRequest = Pick<
  FeatureChangeRequest,
  | 'id'
  | 'title'
  | 'reason'
  | 'status'
  | 'authorId'
  | 'subjects'
  | 'applyAt'
  | 'appliedAt'
  | 'failure'
  | 'version'
  | 'createdAt'
  | 'updatedAt'
>;

export function toSummaryView(request: ListedRequest, names: Names): ChangeRequestSummaryView {
  const { id, title, status, subjects, version, failure = null } = request;
  return {
    id,
    title,
    reason: request.reason ?? null,
    status,
    author: toPerson(request.authorId, names),
    subjects,
    applyAt: request.applyAt?.toISOString() ?? null,
    appliedAt: request.appliedAt?.toISOString() ?? null,
    failure,
    version,
    createdAt: request.createdAt.toISOString(),
    updatedAt: request.updatedAt.toISOString(),
  };
}

/** What is known of a request besides itself. */
export interface RequestFacts {
  request: FeatureChangeRequest;
  standings: Standing[];
  reviews: FeatureChangeReview[];
  overlaps: ListedRequest[];
  outdatedBy: Overtaking[];
  heldUpBy: string | null;
}

export function toChangeRequestView(
  { request, standings, reviews, overlaps, outdatedBy, heldUpBy }: RequestFacts,
  names: Names,
): ChangeRequestView {
  const { changes, effects, notCarriedOver, contentHash, baseRevision, follows, subjects } = request;
  return {
    ...toSummaryView(request, names),
    changes,
    effects: effects.map((effect) => ({ ...effect, differences: differencesOf(effect.before, effect.after) })),
    notCarriedOver,
    contentHash,
    baseRevision,
    follows,
    approvals: standings,
    reviews: reviews.map((review) => ({
      by: toPerson(review.userId, names),
      verdict: review.verdict,
      comment: review.comment ?? null,
      at: review.at.toISOString(),
      current: review.contentHash === contentHash,
    })),
    overlaps: overlaps.map(({ id, title, status, applyAt, subjects: others }) => ({
      id,
      title,
      status,
      applyAt: applyAt?.toISOString() ?? null,
      subjects: others.filter((subject) => subjects.includes(subject)),
    })),
    outdatedBy: outdatedBy.map(({ at, before, after, ...change }) => ({
      ...change,
      at: at.toISOString(),
      differences: differencesOf(before, after),
    })),
    heldUpBy,
  };
}
