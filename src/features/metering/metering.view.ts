import { ApiProperty } from '@nestjs/swagger';
import type { Json } from '../../kernel/json.js';

/** What of a limit is used in its present period. */
export class ConsumptionView {
  /**
   * What was used since the period began.
   * @example 40
   */
  used!: number;
  /**
   * The most that may be used: the value of the feature for the organization, without its fraction, at least 0.
   * @example 2000
   */
  limit!: number;
  /**
   * What is left, never below 0.
   * @example 1960
   */
  remaining!: number;
  /** When counting begins anew, by the calendar in UTC; null: never. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-12-01T00:00:00.000Z' })
  resetsAt!: string | null;
  /**
   * Whether more was used than the limit: it is a soft one, or was lowered.
   * @example false
   */
  exceeded!: boolean;
}

/** What is stored of a use. */
export interface Counted {
  used: number;
  resetsAt: string | null;
}

/** The limit that a value is: a whole number that JSON and the database keep exactly. */
export function limitOf(value: Json): number {
  return typeof value === 'number' ? Math.min(Math.max(Math.floor(value), 0), Number.MAX_SAFE_INTEGER) : 0;
}

/** @param value of the feature for the organization. */
export function usageOf({ used, resetsAt }: Counted, value: Json): ConsumptionView {
  const limit = limitOf(value);
  return {
    used,
    limit,
    remaining: Math.max(0, limit - used),
    resetsAt: resetsAt && new Date(resetsAt).toISOString(),
    exceeded: used > limit,
  };
}
