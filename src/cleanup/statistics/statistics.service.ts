import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ExpiringCount } from '../../database/expiring-type.js';
import { asSystem } from '../../database/tenant-context.js';
import { OutboxHistory } from '../../jobs/outbox-history.js';
import { Schedules } from '../../jobs/schedules.js';
import { EXPIRING_TYPES } from '../expiring-types.js';
import { RUN_TOPIC } from '../runs/cleanup-runner.js';
import { OVERDUE_MS, recommend } from './recommendation.js';
import { readDeletedByDay, readRunHealth } from './statistics.queries.js';
import type { HealthCheckView, HealthReportView, StatisticsView } from './statistics.view.js';

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
    const recommendation = recommend({
      expired: counts.reduce((sum, { expired }) => sum + expired, 0),
      oldestExpiredAt: oldestOf(counts),
      now,
      deletedPerDay: daily.reduce((sum, { deleted }) => sum + deleted, 0) / days,
      rowsPerSecond,
    });
    const types = counts.map(({ type, total, expired, oldestExpiredAt }) => ({
      type,
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
    const [tasks, runs] = await asSystem(this.em, async (em) => [
      (await this.schedules.tasks(em)).filter(({ id }) => id.startsWith('cleanup-')),
      await readRunHealth(em),
    ]);
    const failed = tasks.filter(({ last }) => last?.status === 'failed').map(({ id }) => id);
    const paused = tasks.filter(({ id, enabled }) => !enabled && ['cleanup-hourly', 'cleanup-daily'].includes(id));
    const overdue = counts.filter(({ oldestExpiredAt }) => isOverdue(oldestExpiredAt)).map(({ type }) => type);
    const waiting = await this.outbox.pending(RUN_TOPIC);
    const checks: HealthCheckView[] = [
      check('schedules', failed.length > 0, failed.join(', '), 'No schedule of the cleanup failed in its last slot'),
      check(
        'paused',
        paused.length > 0,
        paused.map(({ id }) => id).join(', '),
        'Both common schedules are enabled',
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
  private async counts(): Promise<(ExpiringCount & { type: string })[]> {
    const counts: (ExpiringCount & { type: string })[] = [];
    for (const type of EXPIRING_TYPES)
      counts.push({ type: type.name, ...(await asSystem(this.em, (em) => type.count(em))) });
    return counts;
  }
}

const isOverdue = (oldest: Date | null): boolean => oldest !== null && Date.now() - oldest.getTime() > OVERDUE_MS;

function oldestOf(counts: readonly ExpiringCount[]): Date | null {
  const times = counts.flatMap(({ oldestExpiredAt }) => oldestExpiredAt?.getTime() ?? []);
  return times.length > 0 ? new Date(Math.min(...times)) : null;
}

function check(
  name: string,
  wrong: boolean,
  what: string,
  otherwise: string,
  status: 'failed' | 'warning' = 'failed',
): HealthCheckView {
  return { name, status: wrong ? status : 'ok', detail: wrong ? what : otherwise };
}
