import type { PurgeReportView } from './purge.view.js';

/** A purge as Markdown, for people. What it holds are names of tables and sentences of ours. */
export function toMarkdown(report: PurgeReportView): string {
  const { planId, scope, status, passed, tables, verification, progress } = report;
  const verdict = passed === null ? status : passed ? 'completed, everything as it should be' : 'completed with faults';
  const touched = tables.filter(({ outcome }) => outcome !== null);
  return [
    `# Purge of ${scope}: ${verdict}`,
    '',
    `- Plan: \`${planId}\`, by ${report.plannedBy ?? 'the command line'}, ${report.createdAt}`,
    `- Confirmed: ${report.confirmedAt ?? 'no'}`,
    `- Ended: ${report.finishedAt ?? 'no'}`,
    `- Rows: ${progress.done} gone, ${progress.total} planned`,
    '',
    '## Purged',
    '',
    ...table(
      ['Table', 'Result', 'Planned', 'Why'],
      touched.map(({ table: name, outcome, purged, remove, detail }) => [
        name,
        outcome === 'purged' ? `purged ${purged}` : outcome!,
        String(remove),
        detail ?? '',
      ]),
    ),
    '',
    '## Kept',
    '',
    ...table(
      ['Table', 'Rows', 'What, and why'],
      tables.filter(({ keep }) => keep > 0).map(({ table: name, keep, reason }) => [name, String(keep), reason]),
    ),
    '',
    '## Seen afterwards',
    '',
    ...table(
      ['Check', 'Result', 'Detail'],
      verification.map(({ name, passed: holds, detail }) => [name, holds ? 'ok' : 'FAILED', detail]),
    ),
    '',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return ['Nothing.'];
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
