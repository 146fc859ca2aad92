import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsString, Matches, ValidateBy, ValidateIf } from 'class-validator';
import { isCron, isTimeZone } from '../../jobs/cron.js';

const check = (name: string, test: (text: string) => boolean, message: string): PropertyDecorator =>
  ValidateBy({
    name,
    validator: { validate: (value) => typeof value === 'string' && test(value), defaultMessage: () => message },
  });
const set = (_: unknown, value: unknown): boolean => value !== undefined && value !== null;

/** Changes when a task runs. What is left out stays, null brings back what the product has. */
export class UpdateTaskRequest {
  /**
   * Five-field cron expression: minute, hour, day of the month, month, day of the week (0 or 7 is Sunday). In each `*`, numbers,
   * `JAN` or `MON`, ranges, lists, and steps such as `8-18/2`.
   */
  @ApiPropertyOptional({ type: String, nullable: true, example: '*/30 * * * *' })
  @ValidateIf(set)
  @check(
    'isCron',
    isCron,
    'schedule has to be a cron expression of five fields that comes to pass, such as 30 2 * * MON-FRI',
  )
  schedule?: string | null;

  /** IANA name of the time zone in which `schedule` is meant. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Europe/Vienna' })
  @ValidateIf(set)
  @check('isTimeZone', isTimeZone, 'timezone has to be the IANA name of a time zone')
  timezone?: string | null;

  /** false pauses it; true lets it run again. */
  @ApiPropertyOptional({ type: Boolean, nullable: true, example: true })
  @ValidateIf(set)
  @IsBoolean()
  enabled?: boolean | null;
}

/** Names a task. */
export class TaskPath {
  /**
   * Id of the task.
   * @example cleanup-hourly
   */
  @IsString()
  @Matches(/^[a-z\d][a-z\d-]{0,99}$/, { message: 'id has to be the id of a task' })
  id!: string;
}
