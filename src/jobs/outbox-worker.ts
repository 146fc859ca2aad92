import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { asSystem } from '../database/tenant-context.js';
import { type Delivery, DONE } from './delivery.js';
import { failureText } from './failure-text.js';
import { backoffMs, type DeliveryPolicy, OutboxHandlers, PermanentFailure } from './outbox-handlers.js';
import { Outbox } from './outbox.service.js';
import { StoppedError, withTimeLimit } from './time-limit.js';

/** Somebody else delivers the message right now, or one with the same key. */
const OCCUPIED_MS = 5_000;

interface Claimed {
  topic: string;
  payload: string;
  dedupe_key: string | null;
  attempts: number;
  created_at: string | Date;
}

/** Delivers messages of the outbox, one at a time, each in a transaction that holds its row. */
@Injectable()
export class OutboxWorker {
  private readonly log = new Logger('outbox');

  constructor(
    private readonly em: EntityManager,
    private readonly outbox: Outbox,
    private readonly handlers: OutboxHandlers,
  ) {}

  /**
   * Delivers the message `id` if it still has to go. Its row is locked for the time of the handler: two workers cannot
   * deliver it twice, and a killed process frees it at once. What the handler writes commits together with `sent_at`.
   * @throws StoppedError when `stop` was aborted first; the message is as it was.
   */
  async deliver(id: string, stop: AbortSignal): Promise<Delivery> {
    const tried: { message?: Claimed; policy?: DeliveryPolicy } = {};
    try {
      return await asSystem(this.em, async (em) => {
        const message = await this.claim(em, id);
        if (!message) return this.whyNot(em, id);
        const free = await this.takeKey(em, id, message.dedupe_key);
        if (free !== true) return free;
        const { handler, policy } = this.handlers.find(message.topic);
        Object.assign(tried, { message, policy });
        const outcome = await withTimeLimit(policy.timeLimitMs, stop, (signal) =>
          handler({
            id,
            payload: this.outbox.open(id, message.payload),
            attempts: message.attempts,
            createdAt: new Date(message.created_at),
            signal,
          }),
        );
        await em.execute(
          outcome === 'kept'
            ? `update outbox set status = 'kept' where id = ?`
            : `update outbox set status = 'sent', sent_at = now(), payload = null, last_error = null where id = ?`,
          [id],
        );
        return DONE;
      });
    } catch (error) {
      // Before the handler was asked it is the database that failed, and the message's tries do not count it.
      if (error instanceof StoppedError || !tried.message || !tried.policy) throw error;
      return this.recordFailure(id, tried.message, tried.policy, error);
    }
  }

  private async claim(em: EntityManager, id: string): Promise<Claimed | undefined> {
    const [row] = await em.execute<Claimed[]>(
      `select topic, payload, dedupe_key, attempts, created_at from outbox
        where id = ? and status = 'pending' for update skip locked`,
      [id],
    );
    return row;
  }

  /** Nothing was claimed: the message is over, or another worker has it and may still fail. */
  private async whyNot(em: EntityManager, id: string): Promise<Delivery> {
    const [row] = await em.execute<{ status: string }[]>('select status from outbox where id = ?', [id]);
    return row?.status === 'pending' ? { done: false, againInMs: OCCUPIED_MS } : DONE;
  }

  /**
   * Of the messages with one key the first goes out; the others are duplicates. Who seems to be the first locks the key
   * until the end of the transaction and looks again, so that two at once see each other's result.
   */
  private async takeKey(em: EntityManager, id: string, key: string | null): Promise<true | Delivery> {
    if (key === null) return true;
    if (await this.isDuplicate(em, id, key)) return DONE;
    const [lock] = await em.execute<{ taken: boolean }[]>(
      'select pg_try_advisory_xact_lock(hashtextextended(?, 0)) as taken',
      [`outbox ${key}`],
    );
    if (!lock?.taken) return { done: false, againInMs: OCCUPIED_MS };
    return (await this.isDuplicate(em, id, key)) ? DONE : true;
  }

  private async isDuplicate(em: EntityManager, id: string, key: string): Promise<boolean> {
    const marked = await em.execute(
      `update outbox set status = 'duplicate', payload = null
        where id = ? and exists (
          select from outbox other where other.dedupe_key = ? and other.id <> outbox.id
             and (other.status in ('sent', 'kept') or (other.status = 'pending' and other.id < outbox.id)))
       returning 1`,
      [id, key],
    );
    return marked.length > 0;
  }

  private async recordFailure(
    id: string,
    { topic, attempts }: Claimed,
    policy: DeliveryPolicy,
    error: unknown,
  ): Promise<Delivery> {
    const failures = attempts + 1;
    const over = error instanceof PermanentFailure || failures >= policy.maxAttempts;
    const againInMs = backoffMs(failures, policy);
    const reason = failureText(error);
    await asSystem(this.em, (em) =>
      em.execute(
        over
          ? `update outbox set attempts = ?, last_error = ?, status = 'failed', failed_at = now()
              where id = ? and status = 'pending'`
          : `update outbox set attempts = ?, last_error = ?, available_at = now() + ? * interval '1 millisecond'
              where id = ? and status = 'pending'`,
        over ? [failures, reason, id] : [failures, reason, againInMs, id],
      ),
    );
    this.log.warn({ messageId: id, topic, failures, over, reason }, 'delivery failed');
    return over ? DONE : { done: false, againInMs };
  }
}
