import { PROTOTYPE_KEYS } from '../../kernel/json.js';
import type { FieldError } from '../../kernel/problem.js';
import { instant } from './instants.js';
import { type ConditionData, OPERATORS, type Operator, type Scalar } from './model.js';
import { version } from './versions.js';

export const MAX_CONDITIONS = 20;
export const MAX_VALUES = 1000;
export const MAX_TEXT = 500;

interface Kind {
  fits: (value: unknown) => boolean;
  says: string;
}

const scalar: Kind = {
  fits: (value) => typeof value === 'boolean' || Number.isFinite(value) || isText(value),
  says: `texts of up to ${MAX_TEXT} characters, numbers or truths`,
};
/** The empty text is in every text. */
const part: Kind = { fits: (value) => isText(value) && value !== '', says: `texts of 1 to ${MAX_TEXT} characters` };
const number: Kind = { fits: (value) => Number.isFinite(value), says: 'numbers' };
const time: Kind = {
  fits: (value) => isText(value) && !Number.isNaN(instant(value)),
  says: 'times with an offset, such as 2026-11-21T08:00:00Z, or dates',
};
const semver: Kind = { fits: (value) => isText(value) && version(value) !== null, says: 'versions such as 2.1.0' };

const KINDS: Record<Operator, Kind | null> = {
  in: scalar,
  not_in: scalar,
  equals: scalar,
  not_equals: scalar,
  contains: part,
  starts_with: part,
  ends_with: part,
  greater_than: number,
  greater_or_equal: number,
  less_than: number,
  less_or_equal: number,
  before: time,
  after: time,
  semver_equals: semver,
  semver_greater_than: semver,
  semver_less_than: semver,
  exists: null,
  not_exists: null,
};

/** What is wrong with the conditions of a rule or a segment, as they stand under `field`. */
export function checkConditions(conditions: readonly ConditionData[], field = 'when'): FieldError[] {
  if (conditions.length > MAX_CONDITIONS) {
    return [{ field, code: 'too_many_conditions', message: `There may be ${MAX_CONDITIONS} conditions` }];
  }
  return conditions.flatMap((condition, index) => checkCondition(condition, `${field}.${index}`));
}

/** What is wrong with the name of an attribute. */
export function checkAttribute(name: unknown, field: string): FieldError[] {
  if (!isText(name) || name === '')
    return [{ field, code: 'attribute_invalid', message: `An attribute has a name of 1 to ${MAX_TEXT} characters` }];
  // No context can hold one: a condition on it would never be met, and nobody would know why.
  if (PROTOTYPE_KEYS.has(name))
    return [{ field, code: 'attribute_reserved', message: `No attribute can be called ${name}` }];
  return [];
}

function checkCondition({ attribute, operator, values }: ConditionData, field: string): FieldError[] {
  const errors = checkAttribute(attribute, `${field}.attribute`);
  if (!OPERATORS.includes(operator)) {
    const message = `There is no such operator; there are: ${OPERATORS.join(', ')}`;
    return [...errors, { field: `${field}.operator`, code: 'operator_unknown', message }];
  }
  // Only these know when time changes them, which ETags have to.
  if (attribute === 'currentTime' && operator !== 'before' && operator !== 'after') {
    const message = 'currentTime takes before and after';
    errors.push({ field: `${field}.operator`, code: 'operator_not_for_time', message });
  }
  return [...errors, ...checkValues(KINDS[operator], operator, values, `${field}.values`)];
}

function checkValues(kind: Kind | null, operator: Operator, values: readonly Scalar[], field: string): FieldError[] {
  const list: readonly unknown[] = Array.isArray(values) ? values : [];
  if (kind === null) {
    if (list.length === 0) return [];
    return [{ field, code: 'values_count', message: `${operator} takes no values` }];
  }
  if (list.length === 0 || list.length > MAX_VALUES) {
    return [{ field, code: 'values_count', message: `${operator} takes 1 to ${MAX_VALUES} values` }];
  }
  const wrong = list.findIndex((value) => !kind.fits(value));
  return wrong < 0
    ? []
    : [{ field: `${field}.${wrong}`, code: 'values_kind', message: `${operator} takes ${kind.says}` }];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}
