import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { newId } from '../../kernel/ids.js';
import { readInstant } from '../../kernel/instant.js';
import { type CursorPage, readCursor, toCursorPage } from '../../kernel/lists.js';
import { invalidField, Problem, problem } from '../../kernel/problem.js';
import { OpenChange } from '../change-log/change-entry.js';
import { refuseUnexplained } from '../change-policies/gate.js';
import { FeatureChanges, holdFeatures } from '../feature-changes.js';
import { readRevision } from '../snapshots/stored-features.queries.js';
import type { NotCarriedOver } from '../transfer/import-source.js';
import { ChangeRequestMails } from './change-request-mails.js';
import type { ChangeRequestsQuery, CreateChangeRequest, UpdateChangeRequest } from './change-requests.dto.js';
import {
  findFollowed,
  findRequests,
  holdRequest,
  namesOf,
  readFacts,
  readFollowedHashes,
} from './change-requests.queries.js';
import {
  type ChangeRequestSummaryView,
  type ChangeRequestView,
  toChangeRequestView,
  toSummaryView,
} from './change-requests.view.js';
import { contentHash, type FollowedHashes } from './content-hash.js';
import { Edits, type StoredEdit } from './edits.js';
import { type Effect, subjectsOf, toEffects } from './effects.js';
import { FeatureChangeRequest, type RequestStatus } from './feature-change-request.entity.js';
import { anew } from './outdated.js';
import { readStandings, statusBy } from './standing.js';

/** Of effects as JSON, in characters: each of 100 edits has all of what it touches, before and after. */
const MAX_EFFECTS = 1024 * 1024;

/** What is asked for. */
interface Asked {
  title: string;
  reason: string | null;
  changes: StoredEdit[];
  applyAt: Date | null;
  follows: string[];
}

/** What was asked for, and tried. */
interface Tried extends Asked {
  effects: Effect[];
  notCarriedOver: NotCarriedOver[];
  baseRevision: number;
}

/** Changes of features that people ask for, and others may have to approve. */
@Injectable()
export class ChangeRequestsService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly changes: FeatureChanges,
    private readonly edits: Edits,
    private readonly mails: ChangeRequestMails,
  ) {}

  /** Requests that meet every filter, newest first. @throws Problem `validation_failed` for a cursor of another list. */
  async list(query: ChangeRequestsQuery): Promise<CursorPage<ChangeRequestSummaryView>> {
    const before = readCursor(query.cursor);
    return asSystem(this.em, async (em) => {
      const { data, meta } = toCursorPage(await findRequests(em, query, before), query.limit, ({ id }) => id);
      const names = await namesOf(em, data);
      return { data: data.map((request) => toSummaryView(request, names)), meta };
    });
  }

  /** @throws Problem `not_found`. */
  async get(id: string): Promise<ChangeRequestView> {
    return asSystem(this.em, (em) => show(em, id));
  }

  /**
   * Asks for changes. They are tried at once, so that what could not be made is refused to whoever asks.
   * @throws Problem `validation_failed`; whatever one of the changes is refused with.
   */
  async create(
    actor: Actor,
    { title, reason = null, changes, applyAt, follows }: CreateChangeRequest,
  ): Promise<ChangeRequestView> {
    const tried = await this.try(actor, { title, reason, changes, applyAt: toTime(applyAt), follows });
    const id = newId();
    return this.beside(id, async (em) => {
      await refuseUnfit(em, tried);
      const now = new Date();
      const request = em.create(FeatureChangeRequest, {
        id,
        ...toRow(tried, await readFollowedHashes(em, follows), 1),
        status: 'pending',
        authorId: actor.requiredUserId,
        createdAt: now,
        updatedAt: now,
      });
      await em.flush();
      await promote(em, request);
      if (request.status === 'pending') await this.mails.askApprovers(em, request);
      this.record(actor, 'feature_change_request.created', request, 'after');
      await em.flush();
      return show(em, id);
    });
  }

  /**
   * Changes what is asked for, from what features are now. What was approved has to be approved anew.
   * @param version that the caller read; null for any.
   * @throws Problem `not_found`; `precondition_failed`; `permission_denied` for anybody but the author;
   * `feature_change_applied`; `feature_change_cancelled`; whatever one of the changes is refused with.
   */
  async edit(
    actor: Actor,
    id: string,
    request: UpdateChangeRequest,
    version: number | null,
  ): Promise<ChangeRequestView> {
    const { request: before } = await asSystem(this.em, (em) => readFacts(em, id));
    refuseEditing(actor, before, version);
    if (request.follows?.includes(id))
      throw invalidField('follows', 'follows_itself', 'A request cannot come before itself');
    const tried = await this.try(actor, {
      title: request.title ?? before.title,
      reason: request.reason === undefined ? (before.reason ?? null) : request.reason,
      changes: request.changes ?? before.changes,
      applyAt: request.applyAt === undefined ? (before.applyAt ?? null) : toTime(request.applyAt),
      follows: request.follows ?? before.follows,
    });
    return this.beside(id, async (em) => {
      const held = await holdRequest(em, id);
      // It may have been applied, or changed in another window, while this was tried.
      refuseEditing(actor, held, before.version);
      await refuseUnfit(em, tried);
      em.assign(held, {
        ...toRow(tried, await readFollowedHashes(em, tried.follows), held.version + 1),
        status: 'pending',
        failure: null,
        updatedAt: new Date(),
      });
      await em.flush();
      await promote(em, held);
      if (held.status === 'pending') await this.mails.askApprovers(em, held);
      this.record(actor, 'feature_change_request.updated', held, 'after');
      await em.flush();
      return show(em, id);
    });
  }

  /** Takes a request back. @throws Problem `not_found`; `feature_change_applied`; `feature_change_cancelled`. */
  async cancel(actor: Actor, id: string): Promise<ChangeRequestView> {
    return asSystem(this.em, async (em) => {
      const request = await holdRequest(em, id);
      if (isClosed(request.status)) throw closed(request);
      em.assign(request, { status: 'cancelled', version: request.version + 1, updatedAt: new Date() });
      this.record(actor, 'feature_change_request.cancelled', request, 'before');
      await em.flush();
      return show(em, id);
    });
  }

  /**
   * Runs a transaction in which policies stay what they are: one that is being changed would neither be seen, nor see the
   * request that it has to settle.
   */
  private beside<T>(id: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    return this.changes.beside(`change request ${id}`, () =>
      asSystem(this.em, async (em) => {
        await holdFeatures(em);
        return work(em);
      }),
    );
  }

  private async try(actor: Actor, asked: Asked): Promise<Tried> {
    const { done: notCarriedOver, seen } = await this.changes.tryOut(
      async (em, change) => {
        await this.makeFollowed(em, actor, asked.follows);
        return this.edits.make(em, change, actor, asked.changes);
      },
      async (em, change) => {
        await refuseUnexplained(em, change.entries, asked.reason);
        return { effects: toEffects(change.entries), baseRevision: await readRevision(em) };
      },
    );
    if (seen.effects.length === 0) throw invalidField('changes', 'nothing_changes', 'All of it is so already');
    if (JSON.stringify(seen.effects).length > MAX_EFFECTS)
      throw invalidField(
        'changes',
        'changes_too_large',
        'Before and after of all of it are more than 1 MiB; ask in parts',
      );
    return { ...asked, ...seen, notCarriedOver };
  }

  /** What a request does, and who has to approve it, shows only once those that it follows were made. */
  private async makeFollowed(em: EntityManager, actor: Actor, follows: readonly string[]): Promise<void> {
    for (const { title, changes } of await findFollowed(em, follows))
      try {
        await this.edits.make(em, new OpenChange(), actor, changes);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        throw invalidField('follows', 'change_not_possible', `"${title}" cannot be made: ${error.detail}`);
      }
  }

  private record(actor: Actor, action: string, request: FeatureChangeRequest, side: 'before' | 'after'): void {
    const { id, title, subjects, contentHash: hash, applyAt = null } = request;
    const facts = { title, subjects, contentHash: hash, applyAt: applyAt?.toISOString() ?? null };
    this.audit.record(actor, action, { target: { type: 'feature_change_request', id }, userId: null, [side]: facts });
  }
}

/** A request as it is shown. @throws Problem `not_found`. */
export async function show(em: EntityManager, id: string): Promise<ChangeRequestView> {
  const facts = await readFacts(em, id);
  return toChangeRequestView(facts, await namesOf(em, [facts.request], facts.reviews));
}

/** Puts a request where its approvals have brought it. */
export async function promote(em: EntityManager, request: FeatureChangeRequest): Promise<void> {
  request.status = statusBy(await readStandings(em, request), request);
}

/** The refusal to do anything more with a request that has ended, each way with its own code. */
export function closed(request: Pick<FeatureChangeRequest, 'status' | 'appliedAt' | 'failure' | 'applyAt'>): Problem {
  const { status, appliedAt, failure } = request;
  if (status === 'applied')
    return problem('feature_change_applied', { detail: `It was applied at ${appliedAt?.toISOString()}` });
  if (status === 'cancelled')
    return problem('feature_change_cancelled', { detail: 'It was taken back; ask for the change by another request' });
  return status === 'failed'
    ? problem('feature_change_failed', {
        detail: `It could not be made at its time: ${failure?.detail}. ${anew(request)}`,
      })
    : problem('feature_change_rejected', { detail: `It was rejected; reviews say by whom and why. ${anew(request)}` });
}

/** Whether not even its author can ask for it anew. */
const isClosed = (status: RequestStatus): boolean => status === 'applied' || status === 'cancelled';

function refuseEditing(actor: Actor, request: FeatureChangeRequest, version: number | null): void {
  if (request.authorId !== actor.requiredUserId)
    throw problem('permission_denied', { detail: 'Only whoever asked for it can change it' });
  if (version !== null && version !== request.version) throw problem('precondition_failed');
  if (isClosed(request.status)) throw closed(request);
}

async function refuseUnfit(em: EntityManager, { applyAt, follows }: Asked): Promise<void> {
  const [{ now }] = await em.execute<[{ now: string }]>('select now() as now');
  if (applyAt && applyAt.getTime() <= new Date(now).getTime())
    throw invalidField('applyAt', 'time_not_in_future', 'The time has to be in the future; null is for no time');
  const found = await em.find(FeatureChangeRequest, { id: { $in: follows } }, { fields: ['id'] });
  const known = new Set(found.map(({ id }) => id));
  const errors = follows.flatMap((id, at) =>
    known.has(id.toLowerCase())
      ? []
      : [{ field: `follows.${at}`, code: 'change_request_unknown', message: `There is no change request "${id}"` }],
  );
  if (errors.length > 0) throw problem('validation_failed', { errors });
}

function toRow({ changes, effects, ...said }: Tried, followed: FollowedHashes, version: number) {
  // As JSON has it: what was left out of a request is not stored as undefined.
  const plain = JSON.parse(JSON.stringify(changes)) as StoredEdit[];
  const row = { ...said, changes: plain, version };
  return { ...row, effects, subjects: subjectsOf(effects), contentHash: contentHash(row, followed) };
}

function toTime(text: string | null | undefined): Date | null {
  return text === null || text === undefined ? null : readInstant(text);
}
