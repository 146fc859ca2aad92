import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { newId } from '../kernel/ids.js';
import { SecretBox } from '../kernel/secrets.js';
import { OutboxMessage, type OutboxSummary } from './outbox.entity.js';

export interface OutboxOptions {
  /** What lists may show; no secrets. */
  summary?: OutboxSummary;
  /** Names the cause: of several messages with one key, one is delivered. */
  dedupeKey?: string;
  delayMs?: number;
  organizationId?: string;
}

/** Work to be done after, and only if, the change that causes it commits. */
@Injectable()
export class Outbox {
  constructor(
    private readonly em: EntityManager,
    private readonly box: SecretBox,
  ) {}

  /**
   * Leaves a message for the handler of `topic` in the ambient EntityManager: it commits with the caller's flush.
   * Delivered at least once; twice only if the process dies between the handler's end and the commit.
   * @param payload may hold secrets: it is sealed, and removed once the message is delivered.
   * @returns the message's id.
   */
  add(topic: string, payload: object, options: OutboxOptions = {}): string {
    const id = newId();
    const now = Date.now();
    const message = new OutboxMessage();
    Object.assign(message, {
      id,
      topic,
      payload: this.box.encrypt(JSON.stringify(payload), sealOf(id)),
      summary: options.summary ?? {},
      dedupeKey: options.dedupeKey ?? null,
      status: 'pending',
      attempts: 0,
      createdAt: new Date(now),
      availableAt: new Date(now + (options.delayMs ?? 0)),
      organizationId: options.organizationId ?? null,
    });
    this.em.persist(message);
    return id;
  }

  /**
   * The payload of a message that was not delivered yet.
   * @throws Error when its key is no longer among SECRET_KEYS.
   */
  open<T>(id: string, sealed: string): T {
    return JSON.parse(this.box.decrypt(sealed, sealOf(id))) as T;
  }
}

const sealOf = (id: string): string => `outbox.payload:${id}`;
