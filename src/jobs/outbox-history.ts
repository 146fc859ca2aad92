import { EntityManager, type FilterQuery } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../database/tenant-context.js';
import { OutboxMessage, type OutboxStatus, type OutboxSummary } from './outbox.entity.js';

export interface HistoryFilter {
  topic: string;
  status?: OutboxStatus;
  /** Values that the summary has to hold. */
  summary?: OutboxSummary;
  /** Messages older than this one, by id. */
  before?: string | null;
  limit: number;
}

/** What became of messages, across tenants: for platform admins and health. */
@Injectable()
export class OutboxHistory {
  constructor(private readonly em: EntityManager) {}

  /** The newest messages first; one more than `limit`, if there is one, says that there are more. */
  async list({ topic, status, summary = {}, before, limit }: HistoryFilter): Promise<OutboxMessage[]> {
    const where: FilterQuery<OutboxMessage> = { topic };
    if (status) where.status = status;
    if (before) where.id = { $lt: before };
    const fields = Object.fromEntries(Object.entries(summary).filter(([, value]) => value !== undefined));
    if (Object.keys(fields).length > 0) where.summary = fields;
    return asSystem(this.em, (em) => em.find(OutboxMessage, where, { orderBy: { id: 'desc' }, limit: limit + 1 }));
  }

  /** How many messages, of one topic or of all, still have to go. */
  async pending(topic?: string): Promise<number> {
    return asSystem(this.em, (em) => em.count(OutboxMessage, { ...(topic && { topic }), status: 'pending' }));
  }
}
