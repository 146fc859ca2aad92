import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';
import type { CleanupFigures } from '../../mail/templates/cleanup-report.js';

export const REPORT_TYPES = ['daily', 'weekly', 'monthly'] as const;
export type ReportType = (typeof REPORT_TYPES)[number];

export const REPORT_STATUSES = ['queued', 'completed', 'failed'] as const;
export type ReportStatus = (typeof REPORT_STATUSES)[number];

const oneOf = (column: string, values: readonly string[]): { name: string; expression: string } => ({
  name: `cleanup_reports_${column}_check`,
  expression: `${column} in (${values.map((value) => `'${value}'`).join(', ')})`,
});

const CleanupReportSchema = defineEntity({
  name: 'CleanupReport',
  tableName: 'cleanup_reports',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  checks: [oneOf('type', REPORT_TYPES), oneOf('status', REPORT_STATUSES)],
  indexes: [{ properties: ['createdAt'] }],
  uniques: [{ properties: ['type', 'slot'] }],
  properties: {
    id: p.uuid().primary(),
    type: p.text().$type<ReportType>(),
    status: p.text().$type<ReportStatus>(),
    /** Of the schedule; null where somebody asked. */
    slot: p.datetime().nullable(),
    requestedBy: p.uuid().nullable(),
    createdAt: p.datetime(),
    madeAt: p.datetime().nullable(),
    /** What it is about; null until it is made. */
    periodFrom: p.datetime().nullable(),
    periodUntil: p.datetime().nullable(),
    figures: p.json<CleanupFigures>().nullable(),
  },
});

/** A report of the cleanup: figures, of which mail and page are drawn. */
export class CleanupReport extends CleanupReportSchema.class {}
CleanupReportSchema.setClass(CleanupReport);
