import type { KeptDays, RetainedType } from '../../database/retained-rows.js';
import { type FieldError, invalidField, problem } from '../../kernel/problem.js';
import { RETAINED_TYPES } from '../expiring-types.js';

/** How long rows of a type are kept: as was chosen, as far as today's bounds allow; the sweep does the same. */
export function keptDaysOf({ name, retention: { days, least, most } }: RetainedType, chosen: KeptDays): number {
  return Math.min(Math.max(chosen[name] ?? days, least), most);
}

/** @throws Problem `validation_failed`, with each type that does not exist or may not be kept so long. */
export function checkKeptDays(asked: Record<string, unknown>): asserts asked is KeptDays {
  const entries = Object.entries(asked);
  const names = RETAINED_TYPES.map(({ name }) => name).join(', ');
  // Not with 100,000 errors for as many names.
  if (entries.length > RETAINED_TYPES.length)
    throw invalidField('keptDays', 'type_unknown', `keptDays names more than the types that there are: ${names}`);
  const errors = entries.flatMap(([type, days]): FieldError[] => {
    const field = `keptDays.${type}`;
    const retention = RETAINED_TYPES.find(({ name }) => name === type)?.retention;
    if (!retention) return [{ field, code: 'type_unknown', message: `${field} is none of ${names}` }];
    const { least, most } = retention;
    if (Number.isInteger(days) && Number(days) >= least && Number(days) <= most) return [];
    return [{ field, code: 'days_out_of_bounds', message: `${field} has to be whole days, from ${least} to ${most}` }];
  });
  if (errors.length > 0) throw problem('validation_failed', { errors });
}
