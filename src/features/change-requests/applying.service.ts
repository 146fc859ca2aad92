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
import { APPLYING_TASK, holdRequest } from './change-requests.queries.js';
import { closed, show } from './change-requests.service.js';
import type { ChangeRequestView } from './change-requests.view.js';
import { Edits } from './edits.js';
import { conflictsIn, type Effect, evaluatedFeatures, toEffects, withoutDrafts } from './effects.js';
import { FeatureChangeRequest } from './feature-change-request.entity.js';
import { anew, subject, whyOutdated } from './outdated.js';
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
      await refuseUnready(em, request, byHand);
      origin.reason = request.reason ?? null;
      await this.edits.make(em, change, actor, request.changes);
      await refuseOtherEffects(em, request, change);
      const now = new Date();
      // Read anew: an import has emptied what the entity manager remembers.
      em.assign(await holdRequest(em, id), {
        status: 'applied',
        appliedAt: now,
        version: request.version + 1,
        updatedAt: now,
      });
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
      em.assign(request, {
        status: 'failed',
        failure: { code, detail },
        version: request.version + 1,
        updatedAt: new Date(),
      });
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

/** Refuses what was made from something that is not so any more, and what was not approved as it is. */
async function refuseUnready(em: EntityManager, request: FeatureChangeRequest, byHand: boolean): Promise<void> {
  const why = await whyOutdated(em, request);
  // Its author, and whoever asks for one that failed, is told by other words how it goes on.
  if (why !== null) throw problem('feature_change_outdated', { detail: byHand ? `${why}. ${anew(request)}` : why });
  const standings = await readStandings(em, request);
  if (!isApproved(standings)) throw needsApproval(standings);
}

/** What was approved is what is made: the same effects, from the same state. */
async function refuseOtherEffects(
  em: EntityManager,
  { effects }: FeatureChangeRequest,
  change: OpenChange,
): Promise<void> {
  const made = toEffects(change.entries);
  const known = await evaluatedFeatures(em, conflictsIn([...made, ...effects]));
  const [is, was] = [withoutDrafts(made, known), withoutDrafts(effects, known)];
  if (canonical(is) !== canonical(was))
    throw problem('feature_change_outdated', {
      detail: `It would not have the effects any more that were approved: ${otherSubjects(is, was).join(', ')}`,
    });
}

/** What some effects are about that others do not have the same. */
function otherSubjects(is: readonly Effect[], was: readonly Effect[]): string[] {
  const byText = (effects: readonly Effect[]) => new Map(effects.map((effect) => [canonical(effect), effect]));
  const [made, approved] = [byText(is), byText(was)];
  const others = [...approved, ...made].filter(([text]) => !made.has(text) || !approved.has(text));
  return [...new Set(others.map(([, effect]) => subject(effect)))];
}
