import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import { type AskedRun, type ScheduleChange, type ScheduledTask, Schedules } from '../../jobs/schedules.js';
import type { Actor } from '../../kernel/actor.js';
import { problem } from '../../kernel/problem.js';

/** What the fleet does by the calendar, of every room, and when. */
@Injectable()
export class ScheduledTasksService {
  constructor(
    private readonly em: EntityManager,
    private readonly schedules: Schedules,
    private readonly audit: AuditService,
  ) {}

  /** The tasks, by id. */
  async list(): Promise<ScheduledTask[]> {
    const tasks = await asSystem(this.em, (em) => this.schedules.tasks(em));
    return tasks.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** @throws Problem `not_found`. */
  async get(id: string): Promise<ScheduledTask> {
    return asSystem(this.em, (em) => this.find(em, id));
  }

  /** Changes when a task runs, or pauses it. @throws Problem `not_found`. */
  async update(actor: Actor, id: string, change: ScheduleChange): Promise<ScheduledTask> {
    return asSystem(this.em, async (em) => {
      const before = facts(await this.find(em, id));
      await this.schedules.set(em, id, change);
      await em.flush();
      const task = await this.find(em, id);
      this.audit.record(actor, 'schedule.updated', {
        target: { type: 'schedule', id },
        userId: null,
        before,
        after: facts(task),
      });
      return task;
    });
  }

  /** Has a task run now, also one that is paused. @returns the id to follow it by. @throws Problem `not_found`. */
  async run(actor: Actor, id: string): Promise<string> {
    return asSystem(this.em, async (em) => {
      await this.find(em, id);
      const asked = this.schedules.runNow(id);
      this.audit.record(actor, 'schedule.run_requested', { target: { type: 'schedule', id }, userId: null });
      return asked;
    });
  }

  /** A run that {@link run} gave the id of. @throws Problem `not_found`. */
  async asked(id: string): Promise<AskedRun> {
    const run = await asSystem(this.em, (em) => this.schedules.asked(em, id));
    if (!run) throw problem('not_found');
    return run;
  }

  private async find(em: EntityManager, id: string): Promise<ScheduledTask> {
    const task = (await this.schedules.tasks(em)).find((one) => one.id === id);
    if (!task) throw problem('not_found');
    return task;
  }
}

const facts = ({ schedule, timezone, enabled }: ScheduledTask) => ({ schedule, timezone, enabled });
