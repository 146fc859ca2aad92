import { ApiProperty } from '@nestjs/swagger';
import { type Method, METHODS } from './forecast.js';

/** What a forecast was made from. */
export class ForecastHistoryView {
  /** The first day of it, within half a year; null where nothing is recorded yet. */
  @ApiProperty({ type: String, format: 'date', nullable: true, example: '2026-09-01' })
  from!: string | null;
  /**
   * How many days since then.
   * @example 88
   */
  days!: number;
  /**
   * How many of them are recorded; the others are taken to be as the day before.
   * @example 87
   */
  recordedDays!: number;
}

/** How far a method was off. */
export class ForecastErrorView {
  /**
   * Mean absolute error, in rows.
   * @example 84.5
   */
  mae!: number;
  /**
   * The same, to what "as on the day before" was off in the days before those (Hyndman and Koehler 2006): below 1 is better
   * than that. null where those days were all alike.
   */
  @ApiProperty({ type: Number, nullable: true, example: 0.42 })
  mase!: number | null;
}

/** The methods, tried on the last days, which they did not know. */
export class ForecastEvaluationView {
  /**
   * How many days they were tried on.
   * @example 7
   */
  heldOutDays!: number;
  /** Which was nearer, and is used. */
  @ApiProperty({ enum: METHODS, example: 'holt-winters' })
  method!: Method;
  /** Level, damped trend and weekday, exponentially smoothed (Winters 1960). */
  holtWinters!: ForecastErrorView;
  /** As on the last day. */
  naive!: ForecastErrorView;
}

/** A day to come. */
export class ForecastPointView {
  /** The day, in UTC. */
  @ApiProperty({ type: String, format: 'date', example: '2026-11-29' })
  date!: string;
  /**
   * Rows that will have expired and be there at once, at the most.
   * @example 1180
   */
  expired!: number;
}

/** How a type should be swept. */
export class SuggestionView {
  /**
   * When: five-field cron expression in UTC.
   * @example "0 2 * * *"
   */
  schedule!: string;
  /**
   * Rows of a batch.
   * @example 5000
   */
  batchSize!: number;
  /**
   * Why.
   * @example "Up to 1,200 rows in a day at the 98,000 rows/s of the last 7 days take 1 s: one run is enough"
   */
  reason!: string;
}

/** What will have expired of a type. */
export class TypeForecastView {
  /**
   * The type.
   * @example session
   */
  type!: string;
  /** Whether there is a forecast. */
  @ApiProperty({ enum: ['ready', 'too_little_history'], example: 'ready' })
  status!: 'ready' | 'too_little_history';
  /**
   * Why there is none, or why this method.
   * @example "Holt-Winters was nearer to the last 7 days than \"as on the last day\""
   */
  reason!: string;
  /** What it was made from. */
  history!: ForecastHistoryView;
  /** How the methods did; null without a forecast. */
  @ApiProperty({ type: ForecastEvaluationView, nullable: true })
  evaluation!: ForecastEvaluationView | null;
  /** The days to come; none without a forecast. */
  points!: ForecastPointView[];
  /** How it should be swept. */
  suggestion!: SuggestionView;
}

/** What will have expired, by type. */
export class ForecastsView {
  /**
   * When it was made.
   * @example 2026-11-28T08:00:00.000Z
   */
  generatedAt!: string;
  /** By type, in the order in which they are swept. */
  types!: TypeForecastView[];
}
