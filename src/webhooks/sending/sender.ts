import { Injectable } from '@nestjs/common';
import type { EntryFacts } from '../../audit/audit-log.view.js';
import { SecretBox } from '../../kernel/secrets.js';
import type { WebhookAttempt } from '../deliveries/webhook-delivery.entity.js';
import { sealOfSecret } from '../endpoints/webhook-secrets.js';
import { describeFailure, describeStatus } from './failure.js';
import { toPayload } from './payload.js';
import { post } from './post.js';
import { readRetryAfter, waitAfter } from './schedule.js';
import type { Claim, Outcome, SendingEndpoint } from './sending.queries.js';
import { Settlements } from './settlements.js';
import { signatureHeaders } from './signature.js';
import { Targets } from './target.js';

/** Of DNS, connection and answer together; Standard Webhooks recommends 15 to 30 s. */
const TIME_LIMIT_MS = 15_000;

/** Sends one delivery, and has what came of it written down. */
@Injectable()
export class Sender {
  constructor(
    private readonly box: SecretBox,
    private readonly targets: Targets,
    private readonly settlements: Settlements,
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
    const outcome = facts
      ? await this.try(endpoint, claim, facts, stop)
      : {
          attempt: { ...startedNow(), error: 'The trail does not hold this event any more' },
          waitMs: null,
          pauseMs: 0,
        };
    await this.settlements.settle({ endpoint, claim, outcome });
    return outcome?.attempt.error === null;
  }

  /** @returns null when the process stopped first. */
  private async try(
    endpoint: SendingEndpoint,
    { tries }: Claim,
    facts: EntryFacts,
    stop: AbortSignal,
  ): Promise<Outcome | null> {
    const attempt = startedNow();
    const started = performance.now();
    const took = (): number => Math.round(performance.now() - started);
    const waitMs = waitAfter(tries);
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(TIME_LIMIT_MS), stop]);
      const target = await this.targets.find(endpoint.url);
      const body = JSON.stringify(toPayload(facts));
      const headers = signatureHeaders(
        { id: facts.id, timestamp: Math.floor(Date.now() / 1000), body },
        this.secretsOf(endpoint),
      );
      const reply = await post(target, headers, body, signal);
      const pauseMs = readRetryAfter(reply.retryAfter);
      const error = describeStatus(reply.status);
      return {
        attempt: {
          ...attempt,
          durationMs: took(),
          status: reply.status,
          error,
          body: target.isPublic ? reply.body : null,
        },
        waitMs: waitMs === null ? null : Math.max(waitMs, pauseMs),
        // Whoever took it may ask for nothing.
        pauseMs: error === null ? 0 : pauseMs,
      };
    } catch (error) {
      if (stop.aborted) return null;
      return { attempt: { ...attempt, durationMs: took(), error: describeFailure(error) }, waitMs, pauseMs: 0 };
    }
  }

  private secretsOf({ id, secret, previous_secret: previous }: SendingEndpoint): string[] {
    return [secret, previous]
      .filter((sealed) => sealed !== null)
      .map((sealed) => this.box.decrypt(sealed, sealOfSecret(id)));
  }
}

const startedNow = (): WebhookAttempt => ({
  at: new Date().toISOString(),
  durationMs: 0,
  status: null,
  error: null,
  body: null,
});
