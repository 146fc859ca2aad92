import { IpRanges } from '../../organizations/policies/ip-ranges.js';
import { instant } from './instants.js';
import type { Condition, Scalar } from './model.js';
import { regex } from './regex.js';
import { version } from './versions.js';

export type Test = (value: Scalar) => boolean;
type Compare = (order: number) => boolean;

const above: Compare = (order) => order > 0;
const below: Compare = (order) => order < 0;
const notBelow: Compare = (order) => order >= 0;
const notAbove: Compare = (order) => order <= 0;
const same: Compare = (order) => order === 0;

/** How one value of an attribute is held against a condition; `not_…` and `inverted` are turned round by the caller. */
export function compileTest(condition: Condition): Test {
  const { operator, values } = condition;
  switch (operator) {
    case 'in':
    case 'not_in':
    case 'equals':
    case 'not_equals':
      return oneOf(condition);
    case 'contains':
      return anyText(condition, (text, part) => text.includes(part));
    case 'starts_with':
      return anyText(condition, (text, part) => text.startsWith(part));
    case 'ends_with':
      return anyText(condition, (text, part) => text.endsWith(part));
    case 'greater_than':
      return anyNumber(values, above);
    case 'greater_or_equal':
      return anyNumber(values, notBelow);
    case 'less_than':
      return anyNumber(values, below);
    case 'less_or_equal':
      return anyNumber(values, notAbove);
    case 'number_equals':
      return anyNumber(values, same);
    case 'before':
    case 'after': {
      const holds = instantTest(condition);
      return (value) => typeof value === 'string' && holds(instant(value));
    }
    case 'semver_equals':
      return anyVersion(values, same);
    case 'semver_greater_than':
      return anyVersion(values, above);
    case 'semver_greater_or_equal':
      return anyVersion(values, notBelow);
    case 'semver_less_than':
      return anyVersion(values, below);
    case 'semver_less_or_equal':
      return anyVersion(values, notAbove);
    case 'exists':
    case 'not_exists':
      return () => true;
    case 'regex':
      return anyRegex(condition);
    case 'in_cidr': {
      const ranges = new IpRanges(values.map(String));
      return (value) => typeof value === 'string' && ranges.includes(value);
    }
  }
}

/** `before` and `after`, on milliseconds since 1970; NaN is neither. */
export function instantTest({ operator, values }: Condition): (at: number) => boolean {
  const instants = values.map((value) => instant(String(value)));
  return operator === 'before' ? (at) => instants.some((i) => at < i) : (at) => instants.some((i) => at > i);
}

/** A text, a number and a truth are compared by how they are written, so that 42 in a context meets "42" in a rule. */
function oneOf({ values, caseInsensitive }: Condition): Test {
  const write = caseInsensitive ? (value: Scalar): string => String(value).toLowerCase() : String;
  const wanted = new Set(values.map(write));
  if (caseInsensitive) return (value) => wanted.has(write(value));
  if (wanted.size !== 1) return (value) => wanted.has(typeof value === 'string' ? value : String(value));
  const [only] = wanted;
  return (value) => (typeof value === 'string' ? value : String(value)) === only;
}

function anyText({ values, caseInsensitive }: Condition, holds: (text: string, part: string) => boolean): Test {
  const parts = values.map((value) => (caseInsensitive ? String(value).toLowerCase() : String(value)));
  return (value) => {
    const text = caseInsensitive ? String(value).toLowerCase() : String(value);
    return parts.some((part) => holds(text, part));
  };
}

function anyNumber(values: readonly Scalar[], holds: Compare): Test {
  const wanted = values.map(toNumber);
  // NaN - n is NaN, of which none of the comparisons holds.
  return (value) => {
    const number = toNumber(value);
    return wanted.some((other) => holds(number - other));
  };
}

/** Each character is read once: a context may hold a million digits. */
const NUMBER = /^\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?\s*$/i;

/** A number or a text that writes one; NaN for anything else. */
function toNumber(value: Scalar): number {
  if (typeof value === 'number') return Number.isFinite(value) ? value : NaN;
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : NaN;
}

function anyVersion(values: readonly Scalar[], holds: Compare): Test {
  const wanted = values.map((value) => version(String(value))).filter((value) => value !== null);
  return (value) => {
    const asked = typeof value === 'string' ? version(value) : null;
    return asked !== null && wanted.some((other) => holds(asked.compare(other)));
  };
}

function anyRegex({ values, caseInsensitive }: Condition): Test {
  const patterns = values
    .map((value) => regex(String(value), caseInsensitive ?? false))
    .filter((value) => value !== null);
  return (value) => patterns.some((pattern) => pattern.test(String(value)));
}
