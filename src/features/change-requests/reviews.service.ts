import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';
import { readNames } from '../../users/names.queries.js';
import { readPolicies } from '../change-policies/change-policy.js';
import { ChangeRequestMails } from './change-request-mails.js';
import type { ReviewRequest } from './change-requests.dto.js';
import { holdRequest } from './change-requests.queries.js';
import { closed, promote, show } from './change-requests.service.js';
import type { ChangeRequestView } from './change-requests.view.js';
import { type FeatureChangeRequest, FeatureChangeReview, type Verdict } from './feature-change-request.entity.js';
import { anew, OVERDUE, whyOutdated } from './outdated.js';
import { mayApprove, requiredBy } from './standing.js';

/** What others say of a change request. */
@Injectable()
export class ReviewsService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly mails: ChangeRequestMails,
  ) {}

  /**
   * Approves or rejects a request as it was read. What one says last counts, once.
   * @throws Problem `not_found`; `feature_change_self_approval` for its author; `permission_denied` for whoever no policy
   * names; what {@link closed} says; `precondition_failed` when it was changed since; `feature_change_outdated` for
   * approving what starts from what is not so any more, or has a time that has passed.
   */
  async review(
    actor: Actor,
    id: string,
    verdict: Verdict,
    { contentHash, comment = null }: ReviewRequest,
  ): Promise<ChangeRequestView> {
    return asSystem(this.em, async (em) => {
      const request = await holdRequest(em, id);
      const userId = actor.requiredUserId;
      if (request.authorId === userId) throw problem('feature_change_self_approval');
      await refuseOutsider(em, userId, request);
      if (!['pending', 'approved', 'scheduled'].includes(request.status)) throw closed(request);
      if (request.contentHash !== contentHash) throw problem('precondition_failed');
      if (verdict === 'approved') {
        await refusePast(em, request);
        await refuseOutdated(em, request);
      }
      await em.upsert(FeatureChangeReview, { request: id, userId, verdict, contentHash, comment, at: new Date() });
      if (verdict === 'approved') await promote(em, request);
      else {
        request.status = 'rejected';
        const rejectedBy = (await readNames(em, [userId])).get(userId) ?? '';
        await this.mails.tellAuthor(em, request, { rejectedBy, comment });
      }
      request.updatedAt = new Date();
      this.audit.record(actor, `feature_change_request.${verdict}`, {
        target: { type: 'feature_change_request', id },
        userId: null,
        after: { title: request.title, contentHash, comment },
      });
      await em.flush();
      return show(em, id);
    });
  }
}

/** Where policies name who may approve, nobody else has a say. */
async function refuseOutsider(em: EntityManager, userId: string, { effects }: FeatureChangeRequest): Promise<void> {
  const policies = requiredBy(effects, await readPolicies(em));
  if (policies.length > 0 && !policies.some((policy) => mayApprove(policy, userId)))
    throw problem('permission_denied', { detail: 'The policies name others who approve this' });
}

async function refusePast(em: EntityManager, { applyAt = null }: FeatureChangeRequest): Promise<void> {
  const [{ past }] = await em.execute<[{ past: boolean }]>('select ?::timestamptz <= now() as past', [applyAt]);
  if (past) throw problem('feature_change_outdated', { detail: OVERDUE });
}

/** An approval is of what the request was made from, too: of one that is outdated it would be for nothing. */
async function refuseOutdated(em: EntityManager, request: FeatureChangeRequest): Promise<void> {
  const why = await whyOutdated(em, request);
  if (why !== null) throw problem('feature_change_outdated', { detail: `${why}. ${anew(request)}` });
}
