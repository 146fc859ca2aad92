import { CronExpressionParser } from 'cron-parser';

/** Of each of the five fields, in their order: its bounds, and names that stand for its numbers from the first on. */
const FIELDS: readonly { least: number; most: number; names?: readonly string[] }[] = [
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  {
    least: 1,
    most: 12,
    names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  },
  // Sunday is 0, and 7 as well.
  { least: 0, most: 7, names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] },
];
const MAX_LENGTH = 100;
/** `*`, `5`, `MON` or `1-5`, and after `*` or a range a step. */
const PART = /^(?:\*|(?<from>\w{1,3})(?:-(?<to>\w{1,3}))?)(?:\/(?<step>\d{1,2}))?$/;

/**
 * Whether a text is a cron expression of five fields that comes to pass at all: 30 February does not. Only what crontab(5)
 * knows is one; what the parser takes beyond that (`H`, which is another time at each reading, `L`, `#`, seconds) is not, nor
 * a list that names a value twice.
 */
export function isCron(text: string): boolean {
  const fields = text.split(' ');
  if (text.length > MAX_LENGTH || fields.length !== FIELDS.length || !fields.every(isField)) return false;
  try {
    return nextRun(text, 'UTC') !== null;
  } catch {
    return false;
  }
}

function isField(text: string, position: number): boolean {
  const { least, most, names = [] } = FIELDS[position]!;
  const valueOf = (value: string): number => {
    const named = names.indexOf(value.toUpperCase());
    // What is neither is NaN, which lies within no bounds.
    return named >= 0 ? least + named : /^\d+$/.test(value) ? Number(value) : NaN;
  };
  return text.split(',').every((part) => {
    const { from, to, step } = PART.exec(part)?.groups ?? { from: '' };
    if (step !== undefined && (Number(step) < 1 || Number(step) > most || (from !== undefined && to === undefined)))
      return false;
    if (from === undefined) return true;
    const [first, last] = [valueOf(from), valueOf(to ?? from)];
    return least <= first && first <= last && last <= most;
  });
}

/** Whether a text is the IANA name of a time zone. */
export function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    // An offset such as +01:00 is taken as well, and is no name.
    return /^[A-Za-z]/.test(text);
  } catch {
    return false;
  }
}

/** When the expression comes to pass next. @throws Error when it never does, or is none. */
export function nextRun(schedule: string, timezone: string, after = new Date()): Date {
  return CronExpressionParser.parse(schedule, { tz: timezone, currentDate: after }).next().toDate();
}
