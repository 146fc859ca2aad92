import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Schedule } from '../../jobs/schedules.js';
import { Actor } from '../../kernel/actor.js';
import { Problem, problem } from '../../kernel/problem.js';
import { canonical } from '../canonical.js';
import type { OpenChange } from '../change-log/change-entry.js';
import { FeatureChanges } from '../feature-changes.js';
import { ChangeRequestMails } from './change-request-mails.js';
import { APPLYING_TASK, holdRequest, readFollowedHashes } from './change-requests.queries.js';
import { closed, show } from './change-requests.service.js';
import type { ChangeRequestView } from './change-requests.view.js';
import { contentHash } from './content-hash.js';
import { Edits } from './edits.js';
import {
  conflictsIn,
  evaluatedFeatures,
  findOvertaking,
  type Overtaking,
  toEffects,
  withoutDrafts,
} from './effects.js';
import { FeatureChangeRequest } from './feature-change-request.entity.js';
import { isApproved, needsApproval, readStandings } from './standing.js';

/** Makes what was asked for and approved. */
@Injectable()
export class ApplyingService {
  private readonly log = new Logger('feature changes');

  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly changes: FeatureChanges,
    private readonly edits: Edits,
    private readonly mails: ChangeRequestMails,
  ) {}

  /**
   * Makes what a request asks for, all of it or nothing, and checks everything anew.
   * @throws Problem `not_found`; `feature_change_needs_approval`; `feature_change_scheduled`; what {@link closed} says;
   * `feature_change_outdated`; whatever one of the changes is refused with.
   */
  async apply(actor: Actor, id: string): Promise<ChangeRequestView> {
    await this.make(actor, id, { byHand: true });
    return asSystem(this.em, (em) => show(em, id));
  }

  /** Makes what is scheduled and due, the earliest first. What cannot be made is failed with the reason. */
  async applyDue(signal?: AbortSignal): Promise<void> {
    const due = await asSystem(this.em, (em) =>
      em.execute<{ id: string }[]>(
        `select id from feature_change_requests where status = 'scheduled' and apply_at <= now() order by apply_at, id`,
      ),
    );
    for (const { id } of due) {
      if (signal?.aborted) return;
      try {
        await this.make(Actor.system('feature-changes'), id, { byHand: false });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        await this.fail(id, error);
      }
    }
  }

  /** Runs {@link applyDue} each minute. */
  schedule(): Schedule {
    return {
      id: APPLYING_TASK,
      description: 'Makes changes of features that are scheduled and approved',
      schedule: '* * * * *',
      waiting: (em) => em.count(FeatureChangeRequest, { status: 'scheduled' }),
      run: (signal) => this.applyDue(signal),
    };
  }

  private async make(actor: Actor, id: string, { byHand }: { byHand: boolean }): Promise<void> {
    // Of the request, so that one who applies it need not say why again.
    const origin: { changeRequestId: string; reason: string | null } = { changeRequestId: id, reason: null };
    await this.changes.change(async (em, change) => {
      const request = await holdRequest(em, id);
      if (byHand) refuseByHand(request);
      // Since it was found due, its author has changed it, or it was applied by another instance.
      else if (request.status !== 'scheduled') return;
      await refuseUnready(em, request);
      origin.reason = request.reason ?? null;
      await this.edits.make(em, change, actor, request.changes);
      await refuseOtherEffects(em, request, change);
      // Read anew: an import has emptied what the entity manager remembers.
      em.assign(await holdRequest(em, id), { status: 'applied', appliedAt: new Date(), version: request.version + 1 });
      this.audit.record(actor, 'feature_change_request.applied', {
        target: { type: 'feature_change_request', id },
        userId: null,
        after: { title: request.title, contentHash: request.contentHash },
      });
    }, origin);
  }

  private async fail(id: string, { code, detail }: Problem): Promise<void> {
    this.log.warn({ changeRequestId: id, code, detail }, 'a scheduled change could not be made');
    await asSystem(this.em, async (em) => {
      const request = await holdRequest(em, id);
      if (request.status !== 'scheduled') return;
      em.assign(request, { status: 'failed', failure: { code, detail }, version: request.version + 1 });
      await this.mails.tellAuthor(em, request, { failure: detail });
      this.audit.record(Actor.system('feature-changes'), 'feature_change_request.applied', {
        target: { type: 'feature_change_request', id },
        userId: null,
        outcome: 'failure',
        reason: code,
        after: { title: request.title, contentHash: request.contentHash },
      });
      await em.flush();
    });
  }
}

/** Refuses what is not for people to apply. One that waits for approvals is looked at with those. */
function refuseByHand(request: FeatureChangeRequest): void {
  if (request.status === 'scheduled')
    throw problem('feature_change_scheduled', {
      detail: `It is made at ${request.applyAt?.toISOString()}; its author can take the time away by PATCH with {"applyAt": null}`,
    });
  if (request.status !== 'pending' && request.status !== 'approved') throw closed(request);
}

/** Refuses what was not approved as it is, and what was made from something that is not so any more. */
async function refuseUnready(em: EntityManager, request: FeatureChangeRequest): Promise<void> {
  // Of itself only somebody who writes past Tenon can have changed it; what it follows, its author.
  if (contentHash(request, await readFollowedHashes(em, request.follows)) !== request.contentHash)
    throw problem('feature_change_outdated', { detail: 'It, or what it follows, is not any more what was approved' });
  const standings = await readStandings(em, request);
  if (!isApproved(standings)) throw needsApproval(standings);
  const overtaking = await findOvertaking(em, request);
  if (overtaking.length > 0)
    throw problem('feature_change_outdated', {
      detail: `Changed since: ${[...new Set(overtaking.map(shown))].join(', ')}`,
    });
}

/** What was approved is what is made: the same effects, from the same state. */
async function refuseOtherEffects(
  em: EntityManager,
  { effects }: FeatureChangeRequest,
  change: OpenChange,
): Promise<void> {
  const made = toEffects(change.entries);
  const known = await evaluatedFeatures(em, conflictsIn([...made, ...effects]));
  const [is, was] = [made, effects].map((of) => canonical(withoutDrafts(of, known)));
  if (is !== was)
    throw problem('feature_change_outdated', { detail: 'It would not have the effects any more that were approved' });
}

function shown({ kind, feature, segment, environment }: Overtaking): string {
  return [kind, feature ?? segment, environment && `in ${environment}`].filter(Boolean).join(' ');
}
