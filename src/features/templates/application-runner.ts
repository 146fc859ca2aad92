import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { type DeliverableMessage, OutboxHandlers } from '../../jobs/outbox-handlers.js';
import { StoppedError } from '../../jobs/time-limit.js';
import { Actor, type Origin } from '../../kernel/actor.js';
import { Problem } from '../../kernel/problem.js';
import { holdFeatures } from '../feature-changes.js';
import { FeatureSnapshots } from '../snapshots/feature-snapshots.js';
import { OrganizationFeatures } from '../snapshots/organization-features.js';
import { readOrganizations } from '../snapshots/organization-features.queries.js';
import { completeApplication, failApplication, showProgress, writeOverrides } from './applications.queries.js';
import { type PreparedTemplate, prepareTemplate, refusalsOf, withTemplate } from './prepared-template.js';
import { selectOrganizations } from './selection.js';
import { type ApplicationFailure, TemplateApplicationLog } from './template-application.entity.js';

export const APPLICATION_TOPIC = 'feature-template';

/** Who asked for an application, as the trail has to tell it. */
export interface ApplicationMessage {
  applicationId: string;
  by: Origin & { userId: string; sessionId: string | null };
}

/** What a failure of the database may take: about a quarter of an hour. */
const POLICY = { timeLimitMs: 10 * 60_000, firstDelayMs: 1_000, maxDelayMs: 60_000, maxAttempts: 20 };
/** Evaluated without a pause: others wait for this process as long. */
const CHECKED_AT_ONCE = 50;
/** Written by one statement: a killed process leaves it running until its end. */
const ROWS_AT_ONCE = 10_000;

/**
 * Applies templates, outside of requests. All of an application is one transaction, together with the message that asks
 * for it: killed in its middle, nothing of it was done, and another instance does it, once.
 */
@Injectable()
export class ApplicationRunner {
  private readonly log = new Logger('feature templates');
  /** Beside the transaction of the work, so that progress is seen while that is open. */
  private readonly own: EntityManager;

  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly snapshots: FeatureSnapshots,
    private readonly organizations: OrganizationFeatures,
    handlers: OutboxHandlers,
  ) {
    this.own = em.fork({ disableContextResolution: true });
    handlers.register<ApplicationMessage>(APPLICATION_TOPIC, (message) => this.run(message), POLICY);
  }

  private async run({ payload, attempts, signal }: DeliverableMessage<ApplicationMessage>): Promise<void> {
    try {
      await asSystem(this.em, (em) => this.apply(em, payload, signal));
    } catch (error) {
      if (attempts + 1 === POLICY.maxAttempts && !(signal.reason instanceof StoppedError)) {
        const failure = failureOf({ code: 'internal_error', detail: 'It failed again and again, and was given up' });
        await asSystem(this.own, (em) => failApplication(em, payload.applicationId, failure));
      }
      throw error;
    }
  }

  private async apply(em: EntityManager, { applicationId, by }: ApplicationMessage, signal: AbortSignal) {
    const log = await em.findOneOrFail(TemplateApplicationLog, applicationId, { populate: ['organizationIds'] });
    const show = this.progressOf(log.id);
    show(0);
    const actor = Actor.user(by, { ...by, platformRole: 'admin' });
    const { templateKey, template, environmentKey = null, scope, planKey = null, organizationIds = null } = log;
    try {
      const selection = { scope, planKey, organizationIds };
      const ids = await selectOrganizations(em, selection, template.targetPlans, { hold: true });
      await holdFeatures(em);
      const prepared = await prepareTemplate(em, this.snapshots, templateKey, template, environmentKey);
      const failure = await firstFailure(em, prepared, ids, signal);
      if (failure) return await this.fail(em, actor, log, failure);
      await this.write(em, actor, log, ids, { signal, show });
    } catch (error) {
      // What was true when it was asked for is not any more: an environment, an organization.
      if (!(error instanceof Problem)) throw error;
      const detail = error.errors?.[0]?.message ?? error.detail;
      await this.fail(em, actor, log, failureOf({ code: error.code, detail }));
    }
  }

  private async write(
    em: EntityManager,
    actor: Actor,
    log: TemplateApplicationLog,
    ids: readonly string[],
    { signal, show }: { signal: AbortSignal; show: (done: number) => void },
  ): Promise<void> {
    const { id, templateKey, template, environmentKey = null } = log;
    const reason = `Template ${templateKey}: ${log.reason}`;
    const target = { type: 'feature', id: '' };
    const entry = this.audit.entryForMany(actor, 'feature.overridden', { userId: null, target, reason });
    const common = { applicationId: id, values: template.values, environment: environmentKey, reason, entry };
    let overrides = 0;
    const size = Math.max(1, Math.floor(ROWS_AT_ONCE / template.values.length));
    for (let start = 0; start < ids.length; start += size) {
      signal.throwIfAborted();
      const organizationIds = ids.slice(start, start + size);
      overrides += await writeOverrides(em, { ...common, organizationIds, setBy: actor.userId });
      await this.organizations.announce(em, organizationIds);
      show(start + organizationIds.length);
    }
    const after = { application: id, organizations: ids.length, overrides, environment: environmentKey };
    this.audit.record(actor, 'template.applied', {
      target: { type: 'template', id: templateKey },
      after,
      reason: log.reason,
    });
    await em.flush();
    await completeApplication(em, id, ids.length);
  }

  private async fail(
    em: EntityManager,
    actor: Actor,
    { id, templateKey, environmentKey = null }: TemplateApplicationLog,
    failure: ApplicationFailure,
  ): Promise<void> {
    this.audit.record(actor, 'template.applied', {
      outcome: 'failure',
      target: { type: 'template', id: templateKey },
      after: { application: id, environment: environmentKey, ...failure },
      reason: failure.code,
    });
    await em.flush();
    await failApplication(em, id, failure);
  }

  /**
   * Shows how far an application is, and waits for nothing: those who wait for its organizations may have every other
   * connection. While one number is on its way the next ones are left out.
   */
  private progressOf(id: string): (done: number) => void {
    let busy = false;
    return (done) => {
      if (busy) return;
      busy = true;
      asSystem(this.own, (em) => showProgress(em, id, done))
        .catch((error: unknown) => this.log.warn({ err: error, application: id }, 'progress could not be shown'))
        .finally(() => (busy = false));
    };
  }
}

function failureOf(failure: Pick<ApplicationFailure, 'code' | 'detail'>): ApplicationFailure {
  return { ...failure, organizationId: null, feature: null };
}

/** The first organization, by id, that cannot have the template. */
async function firstFailure(
  em: EntityManager,
  template: PreparedTemplate,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ApplicationFailure | null> {
  for (let start = 0; start < ids.length; start += CHECKED_AT_ONCE) {
    signal.throwIfAborted();
    for (const organization of await readOrganizations(em, ids.slice(start, start + CHECKED_AT_ONCE)))
      for (const refusal of refusalsOf(template, withTemplate(template, organization)))
        return { ...refusal, organizationId: organization.id };
  }
  return null;
}
