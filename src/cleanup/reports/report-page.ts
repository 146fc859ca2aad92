import type { Links } from '../../mail/links.js';
import { cleanupReport } from '../../mail/templates/cleanup-report.js';
import type { ReportView } from './reports.view.js';

/**
 * Whether a page is wanted rather than data (RFC 9110, 12.5.1): HTML is named, and weighs at least as much as JSON.
 * A browser names it; a client that takes anything gets data.
 */
export function wantsPage(accept = ''): boolean {
  const weights = new Map(
    accept
      .toLowerCase()
      .split(',')
      .map((range) => {
        const [name, ...parameters] = range.split(';').map((part) => part.trim());
        const q = parameters.find((parameter) => parameter.startsWith('q='));
        return [name!, q === undefined ? 1 : Number(q.slice(2))];
      }),
  );
  const html = weights.get('text/html') ?? 0;
  return html > 0 && html >= (weights.get('application/json') ?? 0);
}

/** A report as the page that was mailed; null until it is made. */
export function toPage({ reportType, from, until, figures }: ReportView, links: Links): string | null {
  if (!figures || !from || !until) return null;
  return cleanupReport({ name: null, reportType, from, until, figures }, links).html;
}
