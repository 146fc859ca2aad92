import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { asSystem } from '../database/tenant-context.js';
import { failureText } from './failure-text.js';
import { nextRun } from './cron.js';
import { OutboxHandlers } from './outbox-handlers.js';
import { Outbox } from './outbox.service.js';
import { type Queue, Queues } from './queues.js';
import { ScheduleRun, ScheduleSettings } from './schedule-run.entity.js';
import { StoppedError, withTimeLimit } from './time-limit.js';

export const SCHEDULES_QUEUE = 'schedules';
/** Wakes whoever brings the queue in line with what is set. */
const TOPIC = 'schedules';
/** 'schedules': instances that start at once compare their schedules with the queue one after the other. */
const ENSURE_LOCK = 7_362_640_108;
const TIME_LIMIT_MS = 10 * 60_000;
/** A run that fails is tried again after 10, 20 and 40 s; then it is a dead letter, and the next slot has to do. */
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
  /** false: rests until somebody enables it. */
  enabled?: false;
  /** 10 minutes when left out. */
  timeLimitMs?: number;
  /**
   * The signal is aborted when the time limit is over, or the process stops. The slot is the time that the run stands for,
   * which is past where it is late.
   */
  run: (signal: AbortSignal, slot: Date) => Promise<unknown>;
}

/** A schedule as it is set. */
export interface ScheduledTask extends Pick<Schedule, 'id' | 'description' | 'schedule'> {
  timezone: string;
  enabled: boolean;
  last: ScheduleRun | null;
  /** null while it rests. */
  next: Date | null;
}

/** What can be set of a schedule: null for what the product has, left out for what it is. */
export type ScheduleChange = Partial<Record<'schedule' | 'timezone', string | null>> & { enabled?: boolean | null };

/**
 * What runs by the calendar. Each slot runs once in the fleet; one that nobody was up for runs once, late, at the next
 * start.
 */
@Injectable()
export class Schedules {
  private readonly log = new Logger('schedules');
  private readonly schedules = new Map<string, Schedule>();

  constructor(
    private readonly em: EntityManager,
    private readonly queues: Queues,
    private readonly outbox: Outbox,
    handlers: OutboxHandlers,
  ) {
    handlers.register<{ run: string | null }>(TOPIC, async ({ id, payload: { run }, createdAt }) => {
      const queue = this.queues.queue(SCHEDULES_QUEUE);
      if (run === null) await this.ensure(queue);
      else await queue.add(run, { slot: createdAt.getTime() }, { ...JOB_OPTIONS, jobId: `now-${id}` });
    });
  }

  /** Rooms register in their constructors. */
  register(schedule: Schedule): void {
    this.schedules.set(schedule.id, schedule);
  }

  list(): Schedule[] {
    return [...this.schedules.values()];
  }

  /** Every schedule as it is set, with its last run. @param em of a system transaction. */
  async tasks(em: EntityManager): Promise<ScheduledTask[]> {
    const settings = new Map((await em.find(ScheduleSettings, {})).map((one) => [one.id, one]));
    const runs = await em.execute<{ schedule_id: string; slot: string }[]>(
      'select distinct on (schedule_id) schedule_id, slot from schedule_runs order by schedule_id, slot desc',
    );
    const newest = runs.map(({ schedule_id: scheduleId, slot }) => ({ scheduleId, slot: new Date(slot) }));
    const last = new Map(
      (newest.length > 0 ? await em.find(ScheduleRun, { $or: newest }) : []).map((run) => [run.scheduleId, run]),
    );
    return this.list().map((one) => {
      const set = settings.get(one.id);
      const schedule = set?.schedule ?? one.schedule;
      const timezone = set?.timezone ?? one.timezone ?? 'UTC';
      const enabled = set?.enabled ?? one.enabled ?? true;
      const next = enabled ? nextRun(schedule, timezone) : null;
      return {
        id: one.id,
        description: one.description,
        schedule,
        timezone,
        enabled,
        last: last.get(one.id) ?? null,
        next,
      };
    });
  }

  /** Sets a schedule; the fleet follows once the caller has committed. @param em of a system transaction. */
  async set(em: EntityManager, id: string, change: ScheduleChange): Promise<void> {
    const settings =
      (await em.findOne(ScheduleSettings, { id })) ?? em.create(ScheduleSettings, { id, updatedAt: new Date() });
    em.assign(settings, change);
    this.outbox.add(TOPIC, { run: null }, { summary: { schedule: id } });
  }

  /** Has a schedule run once the caller has committed, also one that rests. */
  runNow(id: string): void {
    this.outbox.add(TOPIC, { run: id }, { summary: { schedule: id, run: true } });
  }

  /** Makes the queue hold exactly these schedules. One that is there already keeps its next slot, also an overdue one. */
  async ensure(queue: Queue): Promise<void> {
    await asSystem(this.em, async (em) => {
      await em.execute('select pg_advisory_xact_lock(?)', [ENSURE_LOCK]);
      const present = new Map((await queue.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler]));
      for (const { id, schedule, timezone, enabled } of await this.tasks(em)) {
        if (!enabled) continue;
        const known = present.get(id);
        present.delete(id);
        const unchanged = known?.pattern === schedule && known.tz === timezone;
        if (unchanged && (await queue.getJob(`repeat:${id}:${known.next}`))) continue;
        await queue.upsertJobScheduler(id, { pattern: schedule, tz: timezone }, { name: id, opts: JOB_OPTIONS });
      }
      for (const id of present.keys()) await queue.removeJobScheduler(id);
    });
  }

  /** Runs the slot that `job` stands for, unless it ran already. @throws what the schedule throws; the queue tries again. */
  async run(job: Job, stop: AbortSignal): Promise<void> {
    const schedule = this.schedules.get(job.name);
    if (!schedule) return this.log.warn(`"${job.name}" is no schedule of this version`);
    const slot = slotOf(job);
    if (!(await this.begin(schedule.id, slot))) return;
    try {
      await withTimeLimit(schedule.timeLimitMs ?? TIME_LIMIT_MS, stop, (signal) => schedule.run(signal, slot));
    } catch (error) {
      if (!(error instanceof StoppedError)) {
        this.log.error({ schedule: schedule.id, err: error }, 'schedule failed');
        await this.end(schedule.id, slot, failureText(error));
      }
      throw error;
    }
    await this.end(schedule.id, slot, null);
  }

  /** @returns false when the slot ran already, by another clock or before its job was acknowledged. */
  private async begin(id: string, slot: Date): Promise<boolean> {
    const begun = await asSystem(this.em, (em) =>
      em.execute(
        `insert into schedule_runs as r (schedule_id, slot, status, attempts, started_at) values (?, ?, 'running', 1, now())
         on conflict (schedule_id, slot) do update set status = 'running', attempts = r.attempts + 1, error = null,
            finished_at = null where r.status <> 'completed' returning 1`,
        [id, slot],
      ),
    );
    return begun.length === 1;
  }

  private async end(id: string, slot: Date, error: string | null): Promise<void> {
    await asSystem(this.em, (em) =>
      em.execute(
        `update schedule_runs set status = ?, error = ?, finished_at = now() where schedule_id = ? and slot = ?`,
        [error === null ? 'completed' : 'failed', error, id, slot],
      ),
    );
  }
}

/** BullMQ names the job of a slot after its time: `repeat:id:milliseconds`. One that somebody asked for carries it. */
function slotOf(job: Job): Date {
  const { slot } = job.data as { slot?: number };
  return new Date(slot ?? Number(job.id!.slice(job.id!.lastIndexOf(':') + 1)));
}
