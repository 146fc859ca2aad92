import { CronExpressionParser } from 'cron-parser';

/** Minute, hour, day of the month, month, day of the week; numbers or English names, lists, ranges and steps. */
const FIVE_FIELDS = /^[\dA-Za-z*,/-]+( [\dA-Za-z*,/-]+){4}$/;

/** Whether a text is a five-field cron expression that comes to pass at all: 30 February does not. */
export function isCron(text: string): boolean {
  if (text.length > 100 || !FIVE_FIELDS.test(text)) return false;
  try {
    return nextRun(text, 'UTC') !== null;
  } catch {
    return false;
  }
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
export function nextRun(schedule: string, timezone: string): Date {
  return CronExpressionParser.parse(schedule, { tz: timezone }).next().toDate();
}
