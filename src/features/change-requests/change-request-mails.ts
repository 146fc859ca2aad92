import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { MailService } from '../../mail/mail.service.js';
import type { ReturnCause } from '../../mail/templates/change-request-returned.js';
import { platformAdmins } from '../../users/platform-admins.js';
import { readPolicies } from '../change-policies/change-policy.js';
import { type FeatureChangeRequest, FeatureChangeReview } from './feature-change-request.entity.js';
import { mayApprove, requiredBy } from './standing.js';

/** As many as a policy can name; where none names anybody, every platform admin may approve. */
const MOST_ASKED = 100;

/** Tells people of change requests; the mails commit with what they tell. */
@Injectable()
export class ChangeRequestMails {
  constructor(private readonly mail: MailService) {}

  /**
   * Asks those who may approve a pending request and have not yet, each time that it comes to wait for them.
   * @param em of a system transaction.
   */
  async askApprovers(em: EntityManager, request: FeatureChangeRequest): Promise<void> {
    const { id: requestId, title, reason = null, effects, applyAt = null, authorId, contentHash, updatedAt } = request;
    const policies = requiredBy(effects, await readPolicies(em));
    const admins = await platformAdmins(em);
    const given = await em.find(FeatureChangeReview, { request: requestId, verdict: 'approved', contentHash });
    const said = new Set([authorId, ...given.map(({ userId }) => userId)]);
    const authorName = admins.find(({ id }) => id === authorId)?.name ?? '';
    const asked = admins
      .filter(({ id }) => !said.has(id) && policies.some((policy) => mayApprove(policy, id)))
      .slice(0, MOST_ASKED);
    for (const { id, email, name } of asked) {
      const environments = policies.filter((policy) => mayApprove(policy, id)).map(({ environment }) => environment);
      this.mail.send(
        'change-request-waits',
        email,
        { name, requestId, title, authorName, reason, environments, applyAt: applyAt?.toISOString() ?? null },
        { dedupeKey: `feature-change ${requestId} ${updatedAt.toISOString()} ${id}` },
      );
    }
  }

  /**
   * Tells the author that a request is theirs again; nobody, if that is no active platform admin any more.
   * @param em of a system transaction.
   */
  async tellAuthor(
    em: EntityManager,
    { id: requestId, title, authorId }: FeatureChangeRequest,
    cause: ReturnCause,
  ): Promise<void> {
    const author = (await platformAdmins(em)).find(({ id }) => id === authorId);
    if (author) this.mail.send('change-request-returned', author.email, { name: author.name, requestId, title, cause });
  }
}
