import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import type { ErrorCode } from '../../kernel/errors.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { ApplyingService } from './applying.service.js';
import {
  ChangeRequestPath,
  ChangeRequestsQuery,
  CreateChangeRequest,
  ReviewRequest,
  UpdateChangeRequest,
} from './change-requests.dto.js';
import { changeRequestExamples } from './change-requests.examples.js';
import { ChangeRequestsService } from './change-requests.service.js';
import { ChangeRequestsPageView, ChangeRequestView } from './change-requests.view.js';
import { ReviewsService } from './reviews.service.js';

/** What changes of features can be refused with. */
const REFUSALS = [
  'validation_failed',
  'not_found',
  'conflict',
  'feature_dependency_cycle',
  'feature_conflict',
  'feature_dependency_unmet',
  'feature_in_use',
  'feature_segment_in_use',
] as const satisfies ErrorCode[];
/** What a request is refused with that not even its author can ask for anew. */
const CLOSED = ['feature_change_applied', 'feature_change_cancelled'] as const satisfies ErrorCode[];
/** What one is refused with that its author can. */
const ENDED = [...CLOSED, 'feature_change_rejected', 'feature_change_failed'] as const satisfies ErrorCode[];
/** What saying something of a request can be refused with. */
const REVIEW_REFUSALS = [
  'validation_failed',
  'not_found',
  'precondition_failed',
  'feature_change_self_approval',
  ...ENDED,
] as const satisfies ErrorCode[];

@ApiTags('Feature changes')
@Controller('api/v1/feature-changes')
export class ChangeRequestsController {
  constructor(
    private readonly requests: ChangeRequestsService,
    private readonly reviews: ReviewsService,
    private readonly applying: ApplyingService,
  ) {}

  /** Lists change requests, newest first. */
  @Get()
  @Authorize('platform-admin')
  @ApiProblems('validation_failed')
  async listChangeRequests(@Query() query: ChangeRequestsQuery): Promise<ChangeRequestsPageView> {
    return this.requests.list(query);
  }

  /** Shows a change request: what it would change, who has approved, what has happened since. */
  @Get(':id')
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('validation_failed', 'not_found')
  async getChangeRequest(@Param() { id }: ChangeRequestPath): Promise<ChangeRequestView> {
    return this.requests.get(id);
  }

  /**
   * Asks for changes of features.
   * @remarks They are tried at once: what could not be made is refused, also for want of the `reason` that a policy asks
   * for (400 `reason_required`), else `effects` says what would change. Where no policy asks for approvals the request is `approved` from the start: apply it, or give `applyAt` and it is made at that
   * time, to the minute. `overlaps` names other requests that touch the same feature and are approved, scheduled, or
   * wait for approvals with a time to come: the first that is applied makes the others outdated, unless they name it in
   * `follows`.
   */
  @Post()
  @Authorize('platform-admin')
  @Versioned()
  @ApiBody({ type: CreateChangeRequest, examples: changeRequestExamples })
  @ApiProblems(...REFUSALS)
  async createChangeRequest(
    @CurrentActor() actor: Actor,
    @Body() request: CreateChangeRequest,
  ): Promise<ChangeRequestView> {
    return this.requests.create(actor, request);
  }

  /**
   * Changes a change request of one's own.
   * @remarks Every approval has to be given anew, whatever you change. It starts from what features are now: with an empty
   * body an outdated, rejected or failed request is asked for again. One whose `applyAt` has passed, as that of every
   * failed one has, needs another time, or null.
   */
  @Patch(':id')
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiProblems(...REFUSALS, ...CLOSED)
  async updateChangeRequest(
    @CurrentActor() actor: Actor,
    @Param() { id }: ChangeRequestPath,
    @Body() request: UpdateChangeRequest,
    @IfMatch() version: number | null,
  ): Promise<ChangeRequestView> {
    return this.requests.edit(actor, id, request, version);
  }

  /**
   * Approves a change request of somebody else.
   * @remarks An approval is of a content, named by `contentHash`: title, reason, the changes, their time, what they follow,
   * and what they were made from. One that is outdated is refused with what was changed since (`outdatedBy` has it, too):
   * its author brings it to what features are now by PATCH, also with an empty body. So is one whose `applyAt` has passed:
   * that needs another time, or null.
   */
  @Post(':id/approve')
  @HttpCode(200)
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems(...REVIEW_REFUSALS, 'feature_change_outdated')
  async approveChangeRequest(
    @CurrentActor() actor: Actor,
    @Param() { id }: ChangeRequestPath,
    @Body() request: ReviewRequest,
  ): Promise<ChangeRequestView> {
    return this.reviews.review(actor, id, 'approved', request);
  }

  /** Rejects a change request of somebody else. Its author can change it, and ask again. */
  @Post(':id/reject')
  @HttpCode(200)
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems(...REVIEW_REFUSALS)
  async rejectChangeRequest(
    @CurrentActor() actor: Actor,
    @Param() { id }: ChangeRequestPath,
    @Body() request: ReviewRequest,
  ): Promise<ChangeRequestView> {
    return this.reviews.review(actor, id, 'rejected', request);
  }

  /**
   * Applies an approved change request: all of it, or nothing.
   * @remarks Everything is checked anew: the approvals by the policies of now, that nothing of it was changed since, the
   * graph, plans and rules. One with `applyAt` is applied by Tenon at its time: by hand it is 409
   * `feature_change_scheduled`, until its author takes the time away. Otherwise the code says where it is:
   * `feature_change_needs_approval`, and `detail` whose approvals are missing; `feature_change_applied`, so that a second
   * try knows that the first one did it; `feature_change_cancelled`; `feature_change_rejected`; `feature_change_failed`.
   */
  @Post(':id/apply')
  @HttpCode(200)
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems(
    ...REFUSALS,
    ...ENDED,
    'feature_change_scheduled',
    'feature_change_outdated',
    'feature_change_needs_approval',
  )
  async applyChangeRequest(
    @CurrentActor() actor: Actor,
    @Param() { id }: ChangeRequestPath,
  ): Promise<ChangeRequestView> {
    return this.applying.apply(actor, id);
  }

  /** Takes a change request back. */
  @Post(':id/cancel')
  @HttpCode(200)
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('validation_failed', 'not_found', ...CLOSED)
  async cancelChangeRequest(
    @CurrentActor() actor: Actor,
    @Param() { id }: ChangeRequestPath,
  ): Promise<ChangeRequestView> {
    return this.requests.cancel(actor, id);
  }
}
