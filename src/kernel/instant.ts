import { registerDecorator } from 'class-validator';

// RFC 3339, or a date alone, which means its midnight in UTC.
const INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))?$/;
/** Before 1970 there is no UUIDv7; years of five digits are none of RFC 3339. */
const FIRST = Date.UTC(1970, 0, 1);
const LAST = Date.UTC(9999, 11, 31);

/**
 * Reads a point in time as ISO 8601 in the profile of RFC 3339, or a date alone (midnight UTC), from 1970 to 9999.
 * @returns null for anything else, such as 30 February, a month 13 or SQL.
 */
export function readInstant(text: string): Date | null {
  const parts = INSTANT.exec(text);
  if (!parts) return null;
  const [, year, month, day] = parts.map(Number);
  // Date would take 30 February for 2 March.
  if (new Date(Date.UTC(year!, month! - 1, day)).getUTCDate() !== day || month! < 1 || month! > 12) return null;
  const instant = new Date(text);
  return instant.getTime() >= FIRST && instant.getTime() <= LAST ? instant : null;
}

/** The property is a text that {@link readInstant} reads. */
export function IsInstant(): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'isInstant',
      target: target.constructor,
      propertyName: String(property),
      validator: {
        validate: (value) => typeof value === 'string' && readInstant(value) !== null,
        defaultMessage: () => `${String(property)} has to be a time such as 2026-11-21T08:00:00Z, or a date`,
      },
    });
}

/** The property is no later than another one, as far as both can be read: a range is not the wrong way around. */
export function IsNoLaterThan(end: string): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'rangeReversed',
      target: target.constructor,
      propertyName: String(property),
      validator: {
        validate: (value, args) => {
          const last: unknown = (args!.object as Record<string, unknown>)[end];
          if (typeof value !== 'string' || typeof last !== 'string') return true;
          const [from, to] = [readInstant(value), readInstant(last)];
          return from === null || to === null || from <= to;
        },
        defaultMessage: () => `${String(property)} has to be no later than ${end}`,
      },
    });
}

/** The property is a day, `YYYY-MM-DD`, that there is. */
export function IsDay(): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'isDay',
      target: target.constructor,
      propertyName: String(property),
      validator: {
        validate: (value) => typeof value === 'string' && value.length === 10 && readInstant(value) !== null,
        defaultMessage: () => `${String(property)} has to be a day such as 2026-11-21`,
      },
    });
}
