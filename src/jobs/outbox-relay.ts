import type { EventArgs, EventSubscriber } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../database/tenant-context.js';
import { OutboxMessage } from './outbox.entity.js';

/** The queue whose jobs wake a worker for one message each. */
export const OUTBOX_QUEUE = 'outbox';
/** Rows looked at in one sweep; what is left waits for the next. */
const SWEEP_ROWS = 1_000;

// A job holds the message's id and nothing else. It leaves no trace: what became of the message stands in the outbox,
// and so the same id can be added again.
const ADD_JOB = (id: string, delayMs: string): string =>
  `bullmq.add_job('${OUTBOX_QUEUE}', ${id}::text, 'message', jsonb_build_object('id', ${id}::text),
     '{"removeOnComplete": true, "removeOnFail": true}'::jsonb, 0, (${delayMs})::bigint,
     (extract(epoch from clock_timestamp()) * 1000)::bigint, 1, null, null, null, null, null, false)`;

/**
 * Brings the outbox and the queue together: each new row gets its job in the same transaction, and what has none, for
 * whatever reason, gets one by the sweep.
 */
@Injectable()
export class OutboxRelay implements EventSubscriber<OutboxMessage> {
  constructor(private readonly em: EntityManager) {
    em.getEventManager().registerSubscriber(this);
  }

  getSubscribedEntities(): (typeof OutboxMessage)[] {
    return [OutboxMessage];
  }

  /** Runs inside the flush's transaction: rolled back, the job was never there. */
  async afterCreate({ em, entity }: EventArgs<OutboxMessage>): Promise<void> {
    const delayMs = entity.availableAt.getTime() - entity.createdAt.getTime();
    await (em as EntityManager).execute(`select ${ADD_JOB('?', '?')}`, [entity.id, entity.id, delayMs]);
  }

  /**
   * Adds a job for each message that is overdue and has none: its job was lost, or its worker died between two steps.
   * Several instances may sweep at once; a second job of the same id is none.
   * @returns how many were added.
   */
  async sweep(): Promise<number> {
    const added = await asSystem(this.em, (em) =>
      em.execute(
        `with overdue as materialized (
           select id from outbox
            where status = 'pending' and available_at < now() - interval '10 seconds'
              and not exists (select from bullmq.job where queue = '${OUTBOX_QUEUE}' and job.id = outbox.id::text)
            order by available_at limit ${SWEEP_ROWS} for update skip locked
         )
         select ${ADD_JOB('overdue.id', '0')} from overdue`,
      ),
    );
    return added.length;
  }
}
