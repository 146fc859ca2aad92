import type { Links } from '../links.js';
import { counted, shown } from '../../kernel/numbers.js';
import { compose, type Mail, type MailBlock } from './compose.js';
import { moment, shortDay } from './duration.js';
import { plain } from './plain.js';

/** Lines that can be told apart. */
const MOST_LINES = 5;
const SUBJECTS = {
  daily: 'The cleanup of the last day',
  weekly: 'The cleanup of the last week',
  monthly: 'The cleanup of the last month',
};

const WHAT_TO_DO = {
  none: 'Nothing has to be done',
  run_now: 'Run the cleanup now',
  run_more_often: 'Run the cleanup more often',
};

/** What a report of the cleanup says. Times in ISO 8601. What is optional is not in reports of earlier versions. */
export interface CleanupFigures {
  runs: number;
  failedRuns: number;
  lateRuns: number;
  /** Runs of which there is nothing to tell: none of them failed, came late or removed anything. */
  idleRuns?: number | null;
  /** The newest of the others. */
  lastRuns?: ReportedRun[];
  deleted: number;
  /** In the same part of the period before. */
  deletedBefore: number;
  rowsPerSecond: number;
  recommendation?: { action: keyof typeof WHAT_TO_DO; reason: string; batchSize: number; schedule: string } | null;
  /** By hour in a daily report, else by day. */
  series: { at: string; deleted: number }[];
  types: { type: string; deleted: number; errors: number; total: number; expired: number }[];
  /** What had expired and was still there, at the times of the series; null where nobody looked. */
  backlog: { type: string; expired: (number | null)[] }[];
  failures: { type: string; at: string; message: string }[];
}

/** A run that removed something, failed or came late. */
export interface ReportedRun {
  taskId: string;
  /** null where somebody asked for it. */
  scheduleId: string | null;
  at: string;
  status: 'queued' | 'running' | 'completed' | 'failed';
  late: boolean;
  deleted: number;
  /** null while it goes on. */
  durationMs: number | null;
}

/**
 * A report as a mail to a platform admin, and as the page that is shown of it.
 * @param data on the page there is no `name` and no `reportId`, which the mail leads to; `titles` are what people call the types.
 */
export function cleanupReport(
  data: {
    name: string | null;
    reportId?: string;
    reportType: keyof typeof SUBJECTS;
    from: string;
    until: string;
    figures: CleanupFigures;
    titles?: Readonly<Record<string, string>>;
  },
  links: Links,
): Mail {
  const { reportType, figures, titles = {} } = data;
  const title = (type: string): string => plain(titles[type] ?? type);
  const labels = figures.series.map(({ at }) => (reportType === 'daily' ? at.slice(11, 16) : shortDay(at)));
  const most = figures.series.reduce((best, one) => (one.deleted > best.deleted ? one : best), { at: '', deleted: 0 });
  const backlog = figures.backlog
    .map((line) => ({ ...line, most: Math.max(0, ...line.expired.map((value) => value ?? 0)) }))
    .filter((line) => line.most > 0)
    .toSorted((a, b) => b.most - a.most)
    .slice(0, MOST_LINES);
  return compose({
    subject: SUBJECTS[reportType],
    name: data.name,
    body: [
      `From ${moment(data.from)} to ${moment(data.until)}.`,
      `${counted(figures.deleted, 'row')} removed, ${compared(figures)}, in ${counted(figures.runs, 'run')}: ${shown(figures.rowsPerSecond)} rows a second while it worked.`,
      tellRuns(figures),
      ...(figures.recommendation ? [recommended(figures.recommendation)] : []),
      ...(most.at === ''
        ? []
        : [
            {
              bars: {
                id: 'deleted',
                title: `Rows removed by ${reportType === 'daily' ? 'hour' : 'day'}`,
                description: `${shown(most.deleted)} at the most, from ${moment(most.at)} on`,
                labels,
                series: [{ name: 'Rows', values: figures.series.map(({ deleted }) => deleted) }],
              },
            },
          ]),
      backlog.length === 0
        ? 'Expired and still there: nothing, whenever it was looked at.'
        : {
            lines: {
              id: 'backlog',
              title: 'Expired and still there',
              description: backlog.map((line) => `${title(line.type)} up to ${shown(line.most)}`).join(', '),
              labels,
              series: backlog.map(({ type, expired }) => ({ name: title(type), values: expired })),
            },
          },
      ...typesOf(figures, title),
      ...lastRunsOf(figures),
      ...figures.failures.map(
        ({ type, at, message }) => `• ${title(type)} were given up on ${moment(at)}: ${plain(message)}`,
      ),
      ...(data.reportId === undefined
        ? []
        : [{ label: 'Show it in the browser', url: links.toCleanupReport(data.reportId) }]),
    ],
  });
}

function compared({ deleted, deletedBefore }: CleanupFigures): string {
  if (deletedBefore === 0) return 'after none in the period before';
  const percent = Math.round((100 * (deleted - deletedBefore)) / deletedBefore);
  return `${shown(Math.abs(percent))} % ${percent < 0 ? 'fewer' : 'more'} than in the period before`;
}

function tellRuns({ runs, failedRuns, lateRuns }: CleanupFigures): string {
  if (runs === 0) return 'No run was asked for.';
  if (failedRuns + lateRuns === 0) return 'Every run was in time, and none failed.';
  return `${counted(failedRuns, 'run')} failed, ${counted(lateRuns, 'run')} came late.`;
}

function recommended({ action, reason, batchSize, schedule }: NonNullable<CleanupFigures['recommendation']>): string {
  return `${WHAT_TO_DO[action]}. ${reason}. What fits: the schedule ${schedule}, in batches of ${counted(batchSize, 'row')}.`;
}

/** Types of which something left, failed or waits; the others in a sentence. */
function typesOf({ types }: CleanupFigures, title: (type: string) => string): MailBlock[] {
  const busy = types.filter(({ deleted, errors, expired }) => deleted + errors + expired > 0);
  const idle = types.filter((type) => !busy.includes(type)).map(({ type }) => title(type));
  return [
    ...(busy.length === 0
      ? []
      : [
          {
            columns: ['Type', 'removed', 'errors', 'expired now', 'in all'],
            rows: busy.map(({ type, ...row }) => [
              title(type),
              ...[row.deleted, row.errors, row.expired, row.total].map(shown),
            ]),
          },
        ]),
    ...(idle.length === 0 ? [] : [`Nothing to remove, and nothing waits: ${idle.join(', ')}.`]),
  ];
}

/** Runs of which there is something to tell; the others in a sentence. */
function lastRunsOf({ runs, idleRuns, lastRuns = [] }: CleanupFigures): MailBlock[] {
  if (lastRuns.length === 0) return [];
  const idle = idleRuns ?? 0;
  const told = runs - idle > lastRuns.length ? `The newest ${lastRuns.length} of ${shown(runs - idle)} runs` : 'Runs';
  const rest = idle > 0 ? `; ${counted(idle, 'other run')} found nothing to remove` : '';
  return [
    `${told} that removed something, failed or came late${rest}:`,
    {
      columns: ['Run', 'removed', 'took', 'ended'],
      rows: lastRuns.map(({ at, scheduleId, deleted, durationMs, status, late }) => [
        `${moment(at)}, ${scheduleId === null ? 'asked for' : plain(scheduleId)}`,
        shown(deleted),
        durationMs === null ? '–' : seconds(durationMs),
        late ? `${status}, late` : status,
      ]),
    },
  ];
}

/** On one line; of very little `< 0.1 s`, not nothing. */
const seconds = (ms: number): string => (ms < 100 ? '<\u00a00.1\u00a0s' : `${shown(Math.round(ms / 100) / 10)}\u00a0s`);
