import { ApiProperty } from '@nestjs/swagger';
import type { RowSecurityAttempt, RowSecurityReport, SetupCheck } from '../../database/row-security.js';

/** One operation that was tried on one table. */
export class RlsAttemptView implements RowSecurityAttempt {
  /**
   * The table.
   * @example invitations
   */
  table!: string;
  /**
   * The role of the database that tried.
   * @example tenon_app
   */
  role!: string;
  /** What was tried. */
  @ApiProperty({ enum: ['read', 'insert', 'update', 'delete'], example: 'update' })
  operation!: RowSecurityAttempt['operation'];
  /** For whom: the tenant of the row, another one, or none. */
  @ApiProperty({ enum: ['own', 'other', 'none'], example: 'other' })
  context!: RowSecurityAttempt['context'];
  /**
   * Whether it should be carried out: for the own tenant what the role is granted, for others nothing.
   * @example false
   */
  expected!: boolean;
  /** Whether it was carried out; null when it could not be tried, which counts as failed. */
  @ApiProperty({ type: Boolean, nullable: true, example: false })
  actual!: boolean | null;
  /**
   * Whether it is as it should be.
   * @example true
   */
  passed!: boolean;
  /** What the database said, or why it could not be tried. */
  @ApiProperty({ type: String, nullable: true, example: '0 rows' })
  detail!: string | null;
}

/** One thing that has to hold for row security to hold. */
export class SetupCheckView implements SetupCheck {
  /**
   * Its name.
   * @example login_is_bound
   */
  check!: string;
  /**
   * Whether it holds.
   * @example true
   */
  passed!: boolean;
  /**
   * What holds, or what is in its way.
   * @example "The login of the process is no superuser and has no BYPASSRLS"
   */
  detail!: string;
}

/** Row level security as it was just tried. */
export class RlsReportView implements RowSecurityReport {
  /**
   * When it was tried.
   * @example 2026-11-21T08:00:00.000Z
   */
  generatedAt!: string;
  /**
   * Whether everything is as it should be.
   * @example true
   */
  passed!: boolean;
  /** Every table, operation and context. */
  @ApiProperty({ type: [RlsAttemptView] })
  tables!: RlsAttemptView[];
  /** What the result stands on. */
  @ApiProperty({ type: [SetupCheckView] })
  setup!: SetupCheckView[];
}
