import type { PurgeActorView, PurgeReportView, ShownRowsView } from './purge.view.js';

/** A plan or a purge as Markdown, for people. Names in it are their makers' words, and stand there as such. */
export function toMarkdown(report: PurgeReportView): string {
  const { planId, scope, status, passed, tables, progress } = report;
  const verdict = passed === null ? status : passed ? 'completed, everything as it should be' : 'completed with faults';
  const planned = tables.reduce((sum, { remove }) => sum + remove, 0);
  const more =
    progress.total === planned ? '' : ` (${planned} were planned; others came or went until it began and ran)`;
  return [
    `# Purge of ${scope}: ${verdict}`,
    '',
    `- Plan: \`${planId}\`, by ${nameOf(report.plannedBy)}, ${report.createdAt}`,
    `- Confirmed: ${report.confirmedAt ? `${report.confirmedAt}, by ${nameOf(report.executedBy)}` : 'no'}`,
    `- Ended: ${report.finishedAt ?? 'no'}`,
    status === 'planned' ? `- Rows: ${planned} would go` : `- Rows: ${progress.done} of ${progress.total} gone${more}`,
    '',
    ...(status === 'planned' ? wouldGo(report) : purged(report)),
    '## Kept',
    '',
    ...table(
      ['Table', 'Rows', 'What, and why'],
      tables.filter(({ keep }) => keep > 0).map(({ table: name, keep, reason }) => [name, String(keep), reason]),
    ),
    '',
    ...(report.verification.length === 0 ? [] : seen(report)),
  ].join('\n');
}

/** Who goes by name, each a heading and a table. */
function whoGoes(goes: readonly ShownRowsView[]): string[] {
  return goes.flatMap(({ table: name, total, sample }) => [
    `## ${HEADINGS[name] ?? name} that would go: ${total}`,
    '',
    ...table(
      ['Address', 'Name', 'Why'],
      sample.map((row) => [row.address, row.name, row.why].map(escape)),
    ),
    ...(total > sample.length ? ['', `… and ${total - sample.length} more.`] : []),
    '',
  ]);
}

const HEADINGS: Record<string, string> = { users: 'Accounts', organizations: 'Organizations' };

function wouldGo({ goes, tables }: PurgeReportView): string[] {
  return [
    ...whoGoes(goes),
    '## Rows that would go',
    '',
    ...table(
      ['Table', 'Rows'],
      tables.filter(({ remove }) => remove > 0).map(({ table: name, remove }) => [name, String(remove)]),
    ),
    '',
  ];
}

function purged({ tables }: PurgeReportView): string[] {
  return [
    '## Purged',
    '',
    ...table(
      ['Table', 'Result', 'Planned', 'Why'],
      tables.flatMap(({ table: name, outcome, purged: rows, remove, detail }) =>
        outcome === null
          ? []
          : [[name, outcome === 'purged' ? `purged ${rows}` : outcome, String(remove), detail ?? '']],
      ),
    ),
    '',
  ];
}

function seen({ verification }: PurgeReportView): string[] {
  return [
    '## Seen afterwards',
    '',
    ...table(
      ['Check', 'Result', 'Detail'],
      verification.map(({ name, passed, detail }) => [name, passed ? 'ok' : 'FAILED', detail]),
    ),
    '',
  ];
}

function nameOf(actor: PurgeActorView | null): string {
  return actor ? escape(actor.fullName ?? actor.id) : 'the command line';
}

/** As text: no name becomes a link, a picture or a tag. */
function escape(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>&!#~]/g, String.raw`\$&`);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return ['Nothing.'];
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
