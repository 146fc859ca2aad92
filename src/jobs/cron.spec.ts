import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCron, nextRun } from './cron.js';

const MONTHS = ['jan', 'FEB', 'Mar', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['sun', 'MON', 'Tue', 'WED', 'THU', 'FRI', 'SAT'];

/** A field of the syntax of crontab(5), and whether a number is in it. */
interface Field {
  text: string;
  has: (value: number) => boolean;
}

function fieldOf(least: number, most: number, names: string[] = []): fc.Arbitrary<Field> {
  const value = fc.integer({ min: least, max: most });
  const spelled = fc
    .tuple(value, fc.boolean())
    .map(([number, named]) => [number, (named && names[number - least]) || String(number)] as const);
  const step = fc.option(fc.integer({ min: 1, max: most }), { nil: undefined });
  const every = (from: number, to: number, by = 1) => {
    const values = Array.from({ length: to - from + 1 }, (_, n) => from + n);
    return values.filter((_, n) => n % by === 0);
  };
  const part = fc.oneof(
    spelled.map(([number, text]) => ({ text, values: [number] })),
    step.map((by) => ({ text: by ? `*/${by}` : '*', values: every(least, most, by) })),
    fc.tuple(spelled, spelled, step).map(([one, other, by]) => {
      const [from, to] = one[0] <= other[0] ? [one, other] : [other, one];
      return { text: `${from[1]}-${to[1]}${by ? `/${by}` : ''}`, values: every(from[0], to[0], by) };
    }),
  );
  // The parser takes no list that names a value twice.
  const list = fc.array(part, { minLength: 1, maxLength: 3 }).filter((parts) => {
    const values = parts.flatMap((one) => one.values);
    return new Set(values).size === values.length;
  });
  return list.map((parts) => ({
    text: parts.map(({ text }) => text).join(','),
    has: (number) => parts.some(({ values }) => values.includes(number)),
  }));
}

const minute = fieldOf(0, 59);
const hour = fieldOf(0, 23);
const weekday = fieldOf(0, 6, DAYS);

describe('C8 cron expressions', () => {
  it.each([
    '* * * * *',
    '0 2 * * *',
    '*/30 4 * * MON',
    '0 0 1,15 * 5',
    '05 08 * jan-Mar sat,SUN',
    '0 0 * * 7',
    '0 0 * * 5-7',
    '0-30/10 * * * *',
    '59 23 31 12 6',
    '0 0 29 2 *',
  ])('%j is one', (text) => {
    expect(isCron(text)).toBe(true);
  });

  it.each([
    // What the parser knows and crontab does not.
    'H * * * *',
    'H/5 * * * *',
    'H(0-5) * * * *',
    '0 0 L * *',
    '0 0 15W * *',
    '0 0 * * 5L',
    '0 0 * * 1#2',
    '? * * * *',
    '0 0 ? * *',
    '@daily',
    '* * * * * *',
    '5/10 * * * *',
    // Steps that are none.
    '*/99999999999 * * * *',
    '*/60 * * * *',
    '*/0 * * * *',
    '*/-1 * * * *',
    '*/1.5 * * * *',
    '*/ * * * *',
    '*/*/2 * * * *',
    '1-5/99999999999 * * * *',
    // Out of bounds.
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * 32 * *',
    '* * * 0 *',
    '* * * 13 *',
    '* * * * 8',
    '30-10 * * * *',
    '* * * * FRI-MON',
    // No fields.
    '',
    ' ',
    '* * * *',
    '** * * * *',
    ', * * * *',
    '1,,2 * * * *',
    '1-5,3 * * * *',
    '1- * * * *',
    '-1 * * * *',
    '/5 * * * *',
    '1-2-3 * * * *',
    'MON * * * *',
    '* * * MON *',
    '* * * * JAN',
    '* * * JANUARY *',
    '0x1 * * * *',
    '1e1 * * * *',
    '٣ * * * *',
    ' * * * * *',
    '* * * * * ',
    '*  * * * *',
    '*\t* * * *',
    '* * * * *\n',
    `${Array.from({ length: 60 }, (_, n) => n).join(',')} * * * *`,
    // It never comes to pass.
    '0 0 30 2 *',
    '0 0 31 4,6,9,11 *',
  ])('%j is none', (text) => {
    expect(isCron(text)).toBe(false);
  });

  it('of every kind are ones, and come to pass at the first minute that they name', () => {
    fc.assert(
      fc.property(
        minute,
        hour,
        weekday,
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        (m, h, d, after) => {
          const text = `${m.text} ${h.text} * * ${d.text}`;
          fc.pre(text.length <= 100);
          expect(isCron(text)).toBe(true);
          let at = new Date(Math.floor(after.getTime() / 60_000 + 1) * 60_000);
          while (!m.has(at.getUTCMinutes()) || !h.has(at.getUTCHours()) || !d.has(at.getUTCDay()))
            at = new Date(at.getTime() + 60_000);
          expect(nextRun(text, 'UTC', after)).toEqual(at);
        },
      ),
    );
  });

  it('of days and months, too, unless there is no such day', () => {
    const everyDay = fc.tuple(minute, hour, fieldOf(1, 28), fieldOf(1, 12, MONTHS), weekday);
    fc.assert(
      fc.property(everyDay, (fields) => {
        const text = fields.map((field) => field.text).join(' ');
        expect(isCron(text)).toBe(text.length <= 100);
      }),
    );
  });

  it('no other text is one, and none takes long or throws', () => {
    const character = fc.constantFrom(...'0123456789*/,-HLW#?@ MONFRIJAN');
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 120 }), (text) => {
        if (!isCron(text)) return;
        expect(text).toMatch(/^[\d*/,\-A-Z]+( [\d*/,\-A-Z]+){4}$/);
        expect(nextRun(text, 'UTC').getTime()).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
  });
});
