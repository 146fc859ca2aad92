import { ApiProperty } from '@nestjs/swagger';

/** What was counted on one day. */
export interface Point {
  feature: string | null;
  value: string | null;
  day: string;
  evaluations: number;
  users: number;
  organizations: number;
}

/** How often a value of a feature was given, day by day. */
export class UsageSeriesView {
  /** Key of the feature; null: all of them at once, so that this counts for each one, also for the one that you named. */
  @ApiProperty({ type: String, nullable: true, example: 'reports' })
  feature!: string | null;
  /** Key of the variant, else the value as JSON, of which a long one is named by its hash; null: whatever it was. */
  @ApiProperty({ type: String, nullable: true, example: 'true' })
  value!: string | null;
  /** How often it was given on each of `days`; 0 where nobody asked. */
  @ApiProperty({ type: [Number], example: [120, 0, 98] })
  evaluations!: number[];
  /** To how many users, by their targeting keys: mostly within 8 %, exact where there are few. */
  @ApiProperty({ type: [Number], example: [17, 0, 15] })
  users!: number[];
}

/** The days of a chart. */
class ChartView {
  /**
   * Where.
   * @example production
   */
  environment!: string;
  /** What a point stands for. */
  @ApiProperty({ enum: ['day'], example: 'day' })
  interval!: 'day';
  /** The days in UTC, without gaps. */
  @ApiProperty({ type: [String], example: ['2026-11-23', '2026-11-24', '2026-11-25'] })
  days!: string[];
}

/** How features were used in an organization, ready for a chart. */
export class UsageChartView extends ChartView {
  /** By feature and value. */
  series!: UsageSeriesView[];
}

/** How often a value of a feature was given in all organizations. */
export class FeatureUsageSeriesView extends UsageSeriesView {
  /** In how many organizations, on each of `days`: mostly within 8 %, exact where there are few. */
  @ApiProperty({ type: [Number], example: [4, 0, 3] })
  organizations!: number[];
}

/** How a feature was used in all organizations, ready for a chart. */
export class FeatureUsageChartView extends ChartView {
  /** By value. */
  series!: FeatureUsageSeriesView[];
}

/** Puts points in their places. @param points by feature and value. */
export function toSeries(points: readonly Point[], days: readonly string[]): FeatureUsageSeriesView[] {
  const placeOf = new Map(days.map((day, place) => [day, place]));
  const zeros = (): number[] => Array<number>(days.length).fill(0);
  const series = new Map<string, FeatureUsageSeriesView>();
  for (const { feature, value, day, ...counts } of points) {
    const key = JSON.stringify([feature, value]);
    let one = series.get(key);
    if (!one) {
      one = { feature, value, evaluations: zeros(), users: zeros(), organizations: zeros() };
      series.set(key, one);
    }
    const place = placeOf.get(day)!;
    one.evaluations[place] = counts.evaluations;
    one.users[place] = counts.users;
    one.organizations[place] = counts.organizations;
  }
  return [...series.values()];
}
