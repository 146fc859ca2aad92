import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ExpiringCount, ExpiringType } from '../../database/expiring-type.js';
import { asSystem } from '../../database/tenant-context.js';
import { OutboxHistory } from '../../jobs/outbox-history.js';
import { Schedules } from '../../jobs/schedules.js';
import { EXPIRING_TYPES } from '../expiring-types.js';
import { RUN_TOPIC } from '../runs/cleanup-runner.js';
import { backlogOf, OVERDUE_MS, recommend } from './recommendation.js';
import { readDeletedByDay, readRunHealth } from './statistics.queries.js';
import type { HealthCheckView, HealthReportView, StatisticsView } from './statistics.view.js';

/** How much there is of a type, and what it is. */
type TypeCount = ExpiringCount & Pick<ExpiringType, 'description' | 'kept'> & { type: string };

/** How much has expired, how much of it left, and whether cleanup does its work. */
@Injectable()
export class StatisticsService {
  constructor(
    private readonly em: EntityManager,
    private readonly schedules: Schedules,
    private readonly outbox: OutboxHistory,
  ) {}

  /** @param days of which it tells what was removed, today included. */
  async statistics(days: number): Promise<StatisticsView> {
    const counts = await this.counts();
    const [daily, { rowsPerSecond }] = await asSystem(this.em, async (em) => [
      await readDeletedByDay(em, days),
      await readRunHealth(em),
    ]);
    const now = new Date();
    const recommendation = recommend({ ...backlogOf(counts, daily), now, rowsPerSecond });
    const types = counts.map(({ type, description, kept, total, expired, oldestExpiredAt }) => ({
      type,
      description,
      kept,
      total,
      active: total - expired,
      expired,
      oldestExpiredAt: oldestExpiredAt?.toISOString() ?? null,
    }));
    return { generatedAt: now.toISOString(), types, daily, recommendation };
  }

  /** Looks at everything that cleanup stands on. */
  async health(): Promise<HealthReportView> {
    const counts = await this.counts();
    const [all, runs] = await asSystem(this.em, async (em) => [
      await this.schedules.tasks(em),
      await readRunHealth(em),
    ]);
    const tasks = all.filter(({ id }) => id.startsWith('cleanup-'));
    const failed = tasks.filter(({ last }) => last?.status === 'failed').map(({ id }) => id);
    const missed = tasks.flatMap(({ id, missed: slot }) => (slot ? `${id} was due at ${slot.toISOString()}` : []));
    const paused = all.flatMap(({ id, enabled, heldUp }) => {
      if (heldUp > 0) return `${id}, with ${heldUp} waiting for it`;
      return !enabled && ['cleanup-hourly', 'cleanup-daily'].includes(id) ? id : [];
    });
    const overdue = counts.filter(({ oldestExpiredAt }) => isOverdue(oldestExpiredAt)).map(({ type }) => type);
    const waiting = await this.outbox.pending(RUN_TOPIC);
    const checks: HealthCheckView[] = [
      check('schedules', failed.length > 0, failed.join(', '), 'No schedule of the cleanup failed in its last slot'),
      check('slots', missed.length > 0, missed.join(', '), 'Every slot of the cleanup that was due has begun'),
      check(
        'paused',
        paused.length > 0,
        paused.join('; '),
        'Both common schedules are enabled, and no task rests that people wait for',
        'warning',
      ),
      check(
        'runs',
        runs.failed > 0,
        `${runs.failed} runs failed within a day`,
        'No run failed within a day',
        'warning',
      ),
      check(
        'stuck',
        runs.stuck > 0,
        `${runs.stuck} runs have not ended within an hour`,
        'No run waits for more than an hour',
      ),
      check(
        'backlog',
        overdue.length > 0,
        `Expired for more than a day: ${overdue.join(', ')}`,
        'Nothing is overdue',
        'warning',
      ),
      check('queue', false, '', `${waiting} messages wait for their turn`),
    ];
    const worst = ['failed', 'warning'].find((status) => checks.some((one) => one.status === status));
    return { status: worst === 'failed' ? 'unhealthy' : worst === 'warning' ? 'degraded' : 'healthy', checks };
  }

  /** One after the other: each counts a whole table. */
  private async counts(): Promise<TypeCount[]> {
    const counts: TypeCount[] = [];
    for (const { name: type, description, kept, count } of EXPIRING_TYPES)
      counts.push({ type, description, kept, ...(await asSystem(this.em, count)) });
    return counts;
  }
}

const isOverdue = (oldest: Date | null): boolean => oldest !== null && Date.now() - oldest.getTime() > OVERDUE_MS;

function check(
  name: string,
  wrong: boolean,
  what: string,
  otherwise: string,
  status: 'failed' | 'warning' = 'failed',
): HealthCheckView {
  return { name, status: wrong ? status : 'ok', detail: wrong ? what : otherwise };
}
