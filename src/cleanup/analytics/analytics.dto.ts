import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { CursorQuery } from '../../kernel/lists.js';
import { TYPE_NAMES } from '../expiring-types.js';
import { RUN_STATUSES, type RunStatus } from '../runs/cleanup-run.entity.js';

/** Which runs to list. */
export class HistoryQuery extends CursorQuery {
  /** Only those that stand so. */
  @ApiPropertyOptional({ enum: RUN_STATUSES, example: 'failed' })
  @IsOptional()
  @IsIn(RUN_STATUSES)
  status?: RunStatus;
}

/** Which type is looked at. */
class TypeQuery {
  /** Only this type. */
  @ApiPropertyOptional({ enum: TYPE_NAMES, example: 'session' })
  @IsOptional()
  @IsIn(TYPE_NAMES)
  type?: string;
}

/** Which days to draw. */
export class HistoryChartQuery extends TypeQuery {
  /** How many days, today included. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 366, default: 30, example: 30 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(366)
  days: number = 30;
}

/** What to forecast. */
export class ForecastQuery extends TypeQuery {
  /** How many days. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 30, default: 14, example: 14 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(30)
  days: number = 14;
}
