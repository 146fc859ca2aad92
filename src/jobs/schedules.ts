import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { asSystem } from '../database/tenant-context.js';
import type { Queue } from './queues.js';
import { withTimeLimit } from './time-limit.js';

export const SCHEDULES_QUEUE = 'schedules';
/** 'schedules': instances that start at once compare their schedules with the queue one after the other. */
const ENSURE_LOCK = 7_362_640_108;
const TIME_LIMIT_MS = 10 * 60_000;
/** A run that fails is tried again after 10, 20 and 40 s; then the next slot has to do. */
const JOB_OPTIONS = {
  attempts: 4,
  backoff: { type: 'exponential', delay: 10_000 },
  // Kept for a day: a slot whose job were gone could be added, and run, a second time.
  removeOnComplete: { age: 24 * 3600 },
  removeOnFail: { age: 24 * 3600 },
};

/** Work that the fleet does once in each slot. Scheduled work is data: the list of it can be read. */
export interface Schedule {
  /** Lower case, digits and dashes. */
  id: string;
  description: string;
  /** Five-field cron expression. */
  schedule: string;
  /** IANA name; UTC when left out. */
  timezone?: string;
  /**
   * The signal is aborted when the time limit of 10 minutes is over, or the process stops. The slot is the time that the
   * run stands for, which is past where it is late.
   */
  run: (signal: AbortSignal, slot: Date) => Promise<unknown>;
}

/** What runs by the calendar. A slot that nobody was up for runs once, late, at the next start. */
@Injectable()
export class Schedules {
  private readonly log = new Logger('schedules');
  private readonly schedules = new Map<string, Schedule>();

  constructor(private readonly em: EntityManager) {}

  /** Rooms register in their constructors. */
  register(schedule: Schedule): void {
    this.schedules.set(schedule.id, schedule);
  }

  list(): Schedule[] {
    return [...this.schedules.values()];
  }

  /** Makes the queue hold exactly these schedules. One that is there already keeps its next slot, also an overdue one. */
  async ensure(queue: Queue): Promise<void> {
    await asSystem(this.em, async (em) => {
      await em.execute('select pg_advisory_xact_lock(?)', [ENSURE_LOCK]);
      const present = new Map((await queue.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler]));
      for (const { id, schedule, timezone = 'UTC' } of this.list()) {
        const known = present.get(id);
        present.delete(id);
        const unchanged = known?.pattern === schedule && known.tz === timezone;
        if (unchanged && (await queue.getJob(`repeat:${id}:${known.next}`))) continue;
        await queue.upsertJobScheduler(id, { pattern: schedule, tz: timezone }, { name: id, opts: JOB_OPTIONS });
      }
      for (const id of present.keys()) await queue.removeJobScheduler(id);
    });
  }

  /** Runs the slot that `job` stands for. @throws what the schedule throws; the queue tries again. */
  async run(job: Job, stop: AbortSignal): Promise<void> {
    const schedule = this.schedules.get(job.name);
    if (!schedule) return this.log.warn(`"${job.name}" is no schedule of this version`);
    try {
      await withTimeLimit(TIME_LIMIT_MS, stop, (signal) => schedule.run(signal, slotOf(job)));
    } catch (error) {
      if (!stop.aborted) this.log.error({ schedule: schedule.id, err: error }, 'schedule failed');
      throw error;
    }
  }
}

/** BullMQ names the job of a slot after its time: `repeat:id:milliseconds`. */
function slotOf(job: Job): Date {
  return new Date(Number(job.id!.slice(job.id!.lastIndexOf(':') + 1)));
}
