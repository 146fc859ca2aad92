import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { EntryFacts } from '../../audit/audit-log.view.js';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { Actor } from '../../kernel/actor.js';
import { SecretBox } from '../../kernel/secrets.js';
import { MailService } from '../../mail/mail.service.js';
import { managersOf } from '../../organizations/domains/recheck.queries.js';
import { platformAdmins } from '../../users/platform-admins.js';
import type { WebhookAttempt } from '../deliveries/webhook-delivery.entity.js';
import { sealOfSecret } from '../endpoints/webhook-secrets.js';
import { abandonDeliveries } from '../endpoints/webhooks.queries.js';
import { hostOf } from '../endpoints/webhooks.service.js';
import { describeFailure, describeStatus } from './failure.js';
import { post } from './post.js';
import { readRetryAfter, waitAfter } from './schedule.js';
import { type Claim, disable, giveBack, markDelivered, markFailed, type SendingEndpoint } from './sending.queries.js';
import { signatureHeaders } from './signature.js';
import { Targets } from './target.js';

/** Of DNS, connection and answer together; Standard Webhooks recommends 15 to 30 s. */
const TIME_LIMIT_MS = 15_000;
const GONE = 410;

interface Outcome {
  attempt: WebhookAttempt;
  /** What the receiver asked for. */
  retryAfterMs: number;
}

/** Sends one delivery, and writes down what came of it. */
@Injectable()
export class Sender {
  private readonly actor = Actor.system('webhooks');

  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly box: SecretBox,
    private readonly targets: Targets,
    private readonly mail: MailService,
  ) {}

  /**
   * Sends a delivery that was claimed. No connection of the database is held while the receiver takes its time.
   * @param facts the entry that it tells of; undefined when it is no longer kept.
   * @param stop aborted when the process stops: the delivery is given back.
   * @returns whether it arrived.
   */
  async send(
    endpoint: SendingEndpoint,
    claim: Claim,
    facts: EntryFacts | undefined,
    stop: AbortSignal,
  ): Promise<boolean> {
    if (!facts) {
      const attempt = { ...startedNow(), error: 'The trail does not hold this event any more' };
      await this.settle(endpoint, claim, { attempt, retryAfterMs: 0 }, null);
      return false;
    }
    const outcome = await this.try(endpoint, facts, stop);
    if (outcome.attempt.status === null && stop.aborted) {
      await asSystem(this.em, (em) => giveBack(em, endpoint.id, claim));
      return false;
    }
    await this.settle(endpoint, claim, outcome, waitAfter(claim.tries));
    return outcome.attempt.error === null;
  }

  private async try(endpoint: SendingEndpoint, facts: EntryFacts, stop: AbortSignal): Promise<Outcome> {
    const attempt = startedNow();
    const started = performance.now();
    const took = (): number => Math.round(performance.now() - started);
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(TIME_LIMIT_MS), stop]);
      const target = await this.targets.find(endpoint.url);
      const body = toBody(facts);
      const headers = signatureHeaders(
        { id: facts.id, timestamp: Math.floor(Date.now() / 1000), body },
        this.secretsOf(endpoint),
      );
      const reply = await post(target, headers, body, signal);
      return {
        attempt: {
          ...attempt,
          durationMs: took(),
          status: reply.status,
          error: describeStatus(reply.status),
          body: target.isPublic ? reply.body : null,
        },
        retryAfterMs: readRetryAfter(reply.retryAfter),
      };
    } catch (error) {
      return { attempt: { ...attempt, durationMs: took(), error: describeFailure(error) }, retryAfterMs: 0 };
    }
  }

  private async settle(endpoint: SendingEndpoint, claim: Claim, outcome: Outcome, wait: number | null): Promise<void> {
    const { attempt, retryAfterMs } = outcome;
    await asSystem(this.em, async (em) => {
      if (attempt.error === null) return markDelivered(em, endpoint.id, claim, attempt);
      const waitMs = wait === null ? null : Math.max(wait, retryAfterMs);
      const failing = await markFailed(em, endpoint.id, claim, attempt, { waitMs, pauseMs: retryAfterMs });
      if (attempt.status === GONE) await this.disable(em, endpoint, 'gone');
      else if (wait === null && failing) await this.disable(em, endpoint, 'failing');
    });
  }

  private async disable(em: EntityManager, endpoint: SendingEndpoint, reason: 'gone' | 'failing'): Promise<void> {
    if (!(await disable(em, endpoint.id, reason))) return;
    await abandonDeliveries(em, endpoint.id);
    this.audit.record(this.actor, 'webhook.disabled', {
      organizationId: endpoint.organization_id,
      target: { type: 'webhook', id: endpoint.id },
      after: { host: hostOf(endpoint), enabled: false },
      reason,
    });
    const { organization_id: organizationId } = endpoint;
    const { organizationName, managers } =
      organizationId === null
        ? { organizationName: null, managers: await platformAdmins(em) }
        : await managersOf(em, organizationId);
    for (const { email, name } of managers)
      this.mail.send('webhook-disabled', email, { name, organizationName, host: hostOf(endpoint), reason });
  }

  private secretsOf({ id, secret, previous_secret: previous }: SendingEndpoint): string[] {
    return [secret, previous]
      .filter((sealed) => sealed !== null)
      .map((sealed) => this.box.decrypt(sealed, sealOfSecret(id)));
  }
}

/** What is posted: the same for each try, since an entry never changes. */
function toBody({ action, occurredAt, ...data }: EntryFacts): string {
  return JSON.stringify({ type: action, timestamp: occurredAt, data });
}

const startedNow = (): WebhookAttempt => ({
  at: new Date().toISOString(),
  durationMs: 0,
  status: null,
  error: null,
  body: null,
});
