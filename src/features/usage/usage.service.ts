import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { asSystem } from '../../database/tenant-context.js';
import type { Actor } from '../../kernel/actor.js';
import { invalidField } from '../../kernel/problem.js';
import { DefinitionsService } from '../definitions/definitions.service.js';
import { DEFAULT_ENVIRONMENT, environmentFor, refuseUnknown } from '../evaluation/evaluation.service.js';
import { Clock } from '../snapshots/clock.js';
import { FeatureSnapshots } from '../snapshots/feature-snapshots.js';
import type { FeatureUsageQuery, UsageQuery } from './usage.dto.js';
import { type Days, readFeatureUsage, readUsage, readUserUsage } from './usage.queries.js';
import { userKeyOf } from './usage-rows.js';
import { type FeatureUsageChartView, toSeries, type UsageChartView, type UsageSeriesView } from './usage.view.js';

const DAY_MS = 24 * 3600 * 1000;
const DAYS_UNLESS_SAID = 30;
/** All features of an organization are some hundred series. */
const MOST_DAYS_OF_ALL = 31;
const MOST_DAYS = 400;

/** How features were used, ready for charts. */
@Injectable()
export class UsageService {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly snapshots: FeatureSnapshots,
    private readonly definitions: DefinitionsService,
  ) {}

  /**
   * How features were used in the caller's tenant, what was counted up to the last flush.
   * @throws Problem `validation_failed` for too many days or an unknown environment; `permission_denied` for another
   * environment than that of the API key.
   */
  async ofOrganization(actor: Actor, query: UsageQuery): Promise<UsageChartView> {
    const { feature = null, userKey } = query;
    const environment = environmentFor(actor, query.environment);
    await this.refuseUnknown(environment);
    const days = this.daysOf(query, feature === null && userKey === undefined ? MOST_DAYS_OF_ALL : MOST_DAYS);
    const scope = { organizationId: actor.requiredOrganizationId, environment };
    const points = await this.em.transactional((em) =>
      userKey === undefined
        ? readUsage(em, scope, feature, ends(days))
        : readUserUsage(em, { ...scope, userKey: userKeyOf(userKey) }, feature, ends(days)),
    );
    return { environment, interval: 'day', days, series: toSeries(points, days).map(ofOneOrganization) };
  }

  /**
   * How a feature was used in all organizations.
   * @throws Problem `not_found`; `validation_failed` for too many days or an unknown environment.
   */
  async ofFeature(key: string, query: FeatureUsageQuery): Promise<FeatureUsageChartView> {
    const { environment = DEFAULT_ENVIRONMENT } = query;
    await this.definitions.get(key);
    await this.refuseUnknown(environment);
    const days = this.daysOf(query, MOST_DAYS);
    const points = await asSystem(this.em, (em) => readFeatureUsage(em, key, environment, ends(days)));
    return { environment, interval: 'day', days, series: toSeries(points, days) };
  }

  private async refuseUnknown(environment: string): Promise<void> {
    if (!(await this.snapshots.current()).environments.has(environment)) refuseUnknown();
  }

  private daysOf({ from, to }: FeatureUsageQuery, most: number): string[] {
    const last = to === undefined ? this.clock.now() : Date.parse(to);
    const end = Math.floor(last / DAY_MS);
    const start = from === undefined ? end - DAYS_UNLESS_SAID + 1 : Date.parse(from) / DAY_MS;
    // Where no last day is given, that is today.
    if (start > end) throw invalidField('from', 'range_reversed', 'from has to be no later than to');
    if (end - start >= most)
      throw invalidField(
        'from',
        'range_too_long',
        `There are at most ${most} days from \`from\` to \`to\`, both included`,
      );
    return Array.from({ length: end - start + 1 }, (_, at) => dayOf(start + at));
  }
}

/** @param day counted from 1 January 1970. */
function dayOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

function ofOneOrganization({ feature, value, evaluations, users }: UsageSeriesView): UsageSeriesView {
  return { feature, value, evaluations, users };
}

function ends(days: readonly string[]): Days {
  return { from: days[0]!, to: days.at(-1)! };
}
