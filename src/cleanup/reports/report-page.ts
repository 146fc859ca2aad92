import type { Links } from '../../mail/links.js';
import { cleanupReport } from '../../mail/templates/cleanup-report.js';
import { TYPE_TITLES } from '../expiring-types.js';
import type { ReportView } from './reports.view.js';

/** A report as the page that was mailed; null until it is made. */
export function toReportPage({ reportType, from, until, figures }: ReportView, links: Links): string | null {
  if (!figures || !from || !until) return null;
  return cleanupReport({ name: null, reportType, from, until, figures, titles: TYPE_TITLES }, links).html;
}
