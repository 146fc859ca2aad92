import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { CursorQuery } from '../../kernel/lists.js';
import { REPORT_TYPES, type ReportType } from './cleanup-report.entity.js';

/** Which report to make. */
export class ReportTypeQuery {
  /** What it is about: today, the last seven days, the last month; the present day is in it. */
  @ApiProperty({ enum: REPORT_TYPES, example: 'weekly' })
  @IsIn(REPORT_TYPES)
  report_type!: ReportType;
}

/** Which reports to list. */
export class ReportsQuery extends CursorQuery {
  /** Of this type alone. */
  @ApiPropertyOptional({ enum: REPORT_TYPES, example: 'weekly' })
  @IsOptional()
  @IsIn(REPORT_TYPES)
  reportType?: ReportType;
}

/** Names a report. */
export class ReportPath {
  /**
   * Id of the report, which is that of the task.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  reportId!: string;
}
