import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { asSystem } from '../database/tenant-context.js';
import { failureText } from './failure-text.js';
import { nextRun } from './cron.js';
import { type Delivery, DONE } from './delivery.js';
import { OutboxHandlers } from './outbox-handlers.js';
import { OutboxMessage } from './outbox.entity.js';
import { Outbox } from './outbox.service.js';
import { type Queue, Queues } from './queues.js';
import { ScheduleRun, ScheduleSettings } from './schedule-run.entity.js';
import { awaitNext, awaitSlots, beginRun, endRun, readLastRuns, readOverdue } from './schedules.queries.js';
import { StoppedError, withTimeLimit } from './time-limit.js';

export const SCHEDULES_QUEUE = 'schedules';
/** Wakes whoever brings the queue in line with what is set. */
const TOPIC = 'schedules';
/** 'schedules': instances that start at once compare their schedules with the queue one after the other. */
const ENSURE_LOCK = 7_362_640_108;
const TIME_LIMIT_MS = 10 * 60_000;
/** Another instance runs the slot; it may yet fail, or be killed. */
const OCCUPIED_MS = 5_000;
/** A slot without a run is looked after then: jobs wait for each other for some seconds. */
const LOST_AFTER = '1 minute';
/**
 * A slot without a run is told then. What heals by itself is over: the job of a killed instance comes back after 12 s,
 * one that is lost is put in again within two minutes, and an instance starts in less.
 */
const MISSED_AFTER = '5 minutes';
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
  /** How much there is that people expect it to do at its time: while it rests, they are told that this is held up. */
  waiting?: (em: EntityManager) => Promise<number>;
  /**
   * The signal is aborted when the time limit is over, or the process stops. The slot is the time that the run stands for,
   * which is past where it is late. Where somebody asked for the run, `asked` is the id by which they follow it.
   */
  run: (signal: AbortSignal, slot: Date, asked?: string) => Promise<unknown>;
}

/** A run that somebody asked for. */
export interface AskedRun {
  id: string;
  scheduleId: string;
  createdAt: Date;
  /** null until it begins. */
  run: ScheduleRun | null;
}

/** A schedule as it is set. */
export interface ScheduledTask extends Pick<Schedule, 'id' | 'description' | 'schedule'> {
  timezone: string;
  enabled: boolean;
  last: ScheduleRun | null;
  /** The slot that has no run yet, 5 minutes after it was due. */
  missed: Date | null;
  /** null while it rests. */
  next: Date | null;
  /** How much of what people expect at its time waits, as it rests; 0 while it does not. */
  heldUp: number;
}

/** What can be set of a schedule: null for what the product has, left out for what it is. */
export type ScheduleChange = Partial<Record<'schedule' | 'timezone', string | null>> & { enabled?: boolean | null };

/** What a job of the queue `schedules` holds. */
interface SlotData {
  /** Milliseconds; left out where its name says it. */
  slot?: number;
  /** What the slot is one of; left out where somebody asked for the run, or it is caught up. */
  schedule?: string;
  timezone?: string;
}

/**
 * What runs by the calendar. Each slot runs once in the fleet; one that nobody was up for runs once, late, at the next
 * start. The queue wakes, and may forget or give a job twice; what is due and what has run stands in tables of ours.
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
      else
        await queue.add(run, { slot: createdAt.getTime() } satisfies SlotData, { ...JOB_OPTIONS, jobId: ASKED + id });
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
    const missed = new Map((await readOverdue(em, MISSED_AFTER)).map(({ id, slot }) => [id, slot]));
    const last = new Map((await readLastRuns(em)).map((run) => [run.scheduleId, run]));
    const tasks: ScheduledTask[] = [];
    for (const one of this.list()) {
      const set = asSet(one, settings.get(one.id));
      tasks.push({
        id: one.id,
        description: one.description,
        ...set,
        last: last.get(one.id) ?? null,
        missed: (set.enabled && missed.get(one.id)) || null,
        next: set.enabled ? nextRun(set.schedule, set.timezone) : null,
        heldUp: set.enabled ? 0 : ((await one.waiting?.(em)) ?? 0),
      });
    }
    return tasks;
  }

  /** Sets a schedule; the fleet follows once the caller has committed. @param em of a system transaction. */
  async set(em: EntityManager, id: string, change: ScheduleChange): Promise<void> {
    const settings =
      (await em.findOne(ScheduleSettings, { id })) ?? em.create(ScheduleSettings, { id, updatedAt: new Date() });
    em.assign(settings, change);
    this.outbox.add(TOPIC, { run: null }, { summary: { schedule: id } });
  }

  /** Has a schedule run once the caller has committed, also one that rests. @returns the id of what was asked for. */
  runNow(id: string): string {
    return this.outbox.add(TOPIC, { run: id }, { summary: { schedule: id, run: true } });
  }

  /** A run by the id that {@link runNow} gave, for as long as the outbox keeps it. @param em of a system transaction. */
  async asked(em: EntityManager, id: string): Promise<AskedRun | null> {
    const message = await em.findOne(OutboxMessage, { id, topic: TOPIC, summary: { run: true } });
    if (!message) return null;
    const { createdAt } = message;
    const scheduleId = message.summary.schedule as string;
    return { id, scheduleId, createdAt, run: await em.findOne(ScheduleRun, { scheduleId, slot: createdAt }) };
  }

  /**
   * Makes the queue hold exactly these schedules. One that is there already keeps its next slot, also an overdue one; a
   * slot that is due and has neither run nor job gets a job.
   * @param forget also removes what this version does not know. An instance does so when it starts; later on it may be the
   * older one.
   */
  async ensure(queue: Queue, { forget = false } = {}): Promise<void> {
    await asSystem(this.em, async (em) => {
      await em.execute('select pg_advisory_xact_lock(?)', [ENSURE_LOCK]);
      const present = new Map((await queue.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler]));
      const next = new Map<string, Date>();
      const changed: string[] = [];
      for (const { id, schedule, timezone, enabled } of await this.tasks(em)) {
        if (!enabled) continue;
        const known = present.get(id);
        present.delete(id);
        const unchanged = known?.pattern === schedule && known.tz === timezone;
        if (known && !unchanged) changed.push(id);
        const keeps = unchanged && (await queue.getJob(jobOf(id, known.next!)));
        next.set(id, keeps ? new Date(known.next!) : await this.put(queue, id, schedule, timezone));
      }
      for (const id of present.keys()) if (forget || this.schedules.has(id)) await queue.removeJobScheduler(id);
      await awaitSlots(em, next, { changed, of: forget ? undefined : [...this.schedules.keys()] });
      for (const { id, slot } of await this.overdue(em, '0 minutes')) {
        const job = await queue.getJob(jobOf(id, slot.getTime()));
        if (!job || job.finishedOn) await this.putIn(queue, id, slot);
      }
    });
  }

  /** Looks after slots that are due and have no run: their jobs are lost, or their instance never came back. */
  async sweep(): Promise<void> {
    const lost = await asSystem(this.em, (em) => this.overdue(em, LOST_AFTER));
    if (lost.length > 0) await this.ensure(this.queues.queue(SCHEDULES_QUEUE));
  }

  /** Of the schedules that this version knows. */
  private async overdue(em: EntityManager, time: string): Promise<{ id: string; slot: Date }[]> {
    return (await readOverdue(em, time)).filter(({ id }) => this.schedules.has(id));
  }

  /**
   * Runs the slot that `job` stands for, unless it ran already, or is none any more. While another instance is at it, by
   * a job that was given twice, it comes back later.
   * @throws what the schedule throws; the queue tries again. StoppedError when `stop` was aborted first.
   */
  async run(job: Job, stop: AbortSignal): Promise<Delivery> {
    const schedule = this.schedules.get(job.name);
    if (!schedule) {
      this.log.warn(`"${job.name}" is no schedule of this version`);
      return DONE;
    }
    const slot = slotOf(job);
    const free = await this.queues.exclusively(`schedule ${schedule.id} ${slot.getTime()}`, async (lost) => {
      if (await this.begin(schedule, slot, job)) await this.work(schedule, job, AbortSignal.any([stop, lost]));
    });
    return free ? DONE : { done: false, againInMs: OCCUPIED_MS };
  }

  private async work(schedule: Schedule, job: Job, stop: AbortSignal): Promise<void> {
    const slot = slotOf(job);
    try {
      await withTimeLimit(schedule.timeLimitMs ?? TIME_LIMIT_MS, stop, (signal) =>
        schedule.run(signal, slot, askedOf(job)),
      );
    } catch (error) {
      if (!(error instanceof StoppedError)) {
        this.log.error({ schedule: schedule.id, err: error }, 'schedule failed');
        await this.end(schedule.id, slot, failureText(error));
      }
      throw error;
    }
    await this.end(schedule.id, slot, null);
  }

  /** Has the queue wake at each slot. @returns the first one. */
  private async put(queue: Queue, id: string, schedule: string, timezone: string): Promise<Date> {
    let slot = nextRun(schedule, timezone);
    // One that was promoted has run before its time, and its job is still there: BullMQ refuses a second one.
    while ((await queue.getJob(jobOf(id, slot.getTime())))?.processedOn) slot = nextRun(schedule, timezone, slot);
    const data: SlotData = { schedule, timezone };
    await queue.upsertJobScheduler(
      id,
      { pattern: schedule, tz: timezone, startDate: slot.getTime() - 1 },
      { name: id, data, opts: JOB_OPTIONS },
    );
    return slot;
  }

  /** Has the queue run a slot that its own job is not there for. */
  private async putIn(queue: Queue, id: string, slot: Date): Promise<void> {
    const data: SlotData = { slot: slot.getTime() };
    // Removed when it is done: one that an instance of an older version took, which does not know the schedule, is put
    // in again.
    const options = { ...JOB_OPTIONS, removeOnComplete: true, jobId: `late-${id}-${slot.getTime()}` };
    await queue.add(id, data, options);
  }

  /**
   * Takes the slot on, and has the schedule wait for the next one. Whoever calls has the lock of the slot.
   * @returns false when it ran already; or when the schedule was paused or changed, and the queue does not follow yet.
   */
  private async begin(schedule: Schedule, slot: Date, job: Job): Promise<boolean> {
    return asSystem(this.em, async (em) => {
      if (askedOf(job) === undefined) {
        const set = asSet(schedule, await em.findOne(ScheduleSettings, { id: schedule.id }));
        const { schedule: of = set.schedule, timezone = set.timezone } = job.data as SlotData;
        if (!set.enabled || of !== set.schedule || timezone !== set.timezone) return false;
        const after = new Date(Math.max(Date.now(), slot.getTime()));
        await awaitNext(em, schedule.id, slot, nextRun(set.schedule, set.timezone, after));
      }
      return beginRun(em, schedule.id, slot);
    });
  }

  private async end(id: string, slot: Date, error: string | null): Promise<void> {
    await asSystem(this.em, (em) => endRun(em, id, slot, error));
  }
}

/** A schedule with what somebody set of it. */
function asSet(one: Schedule, set?: ScheduleSettings | null): Pick<ScheduledTask, 'schedule' | 'timezone' | 'enabled'> {
  return {
    schedule: set?.schedule ?? one.schedule,
    timezone: set?.timezone ?? one.timezone ?? 'UTC',
    enabled: set?.enabled ?? one.enabled ?? true,
  };
}

const ASKED = 'now-';
/** What somebody asked for, by its id; undefined where the calendar did. */
const askedOf = ({ id }: Job): string | undefined => (id!.startsWith(ASKED) ? id!.slice(ASKED.length) : undefined);

/** How BullMQ names the job of a slot. */
const jobOf = (id: string, ms: number): string => `repeat:${id}:${ms}`;

/** The name of a job ends with its slot; others carry it. */
function slotOf(job: Job): Date {
  const { slot } = job.data as SlotData;
  return new Date(slot ?? Number(job.id!.slice(job.id!.lastIndexOf(':') + 1)));
}
