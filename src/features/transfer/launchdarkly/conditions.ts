import type { Json } from '../../../kernel/json.js';
import { checkConditions, MAX_CONDITIONS } from '../../evaluator/check-conditions.js';
import type { ConditionData, Operator, Scalar } from '../../evaluator/model.js';
import type { LaunchDarklyClause } from './document.js';

/** What clauses ask, or why we cannot ask the same. */
export type Asked = { when: ConditionData[]; segments: string[] } | { why: string; at: number };

const OPERATORS: Record<string, Operator> = {
  in: 'in',
  contains: 'contains',
  startsWith: 'starts_with',
  endsWith: 'ends_with',
  lessThan: 'less_than',
  lessThanOrEqual: 'less_or_equal',
  greaterThan: 'greater_than',
  greaterThanOrEqual: 'greater_or_equal',
  before: 'before',
  after: 'after',
  semVerEqual: 'semver_equals',
  semVerLessThan: 'semver_less_than',
  semVerGreaterThan: 'semver_greater_than',
};

/** The name of an attribute here; null where there is none. Whom it calls `key` we call `targetingKey`. */
export function toAttribute(name: string, contextKind: string | null = 'user'): string | null {
  if (contextKind !== null && contextKind !== 'user') return null;
  if (name === 'key') return 'targetingKey';
  // A path into what lies deeper, or the kind itself.
  return name.startsWith('/') || name === 'kind' || name === '' ? null : name;
}

/**
 * Clauses, which all have to hold, for exactly the same people.
 * @param segmentOf the key of a segment that came along.
 */
export function toConditions(
  clauses: readonly LaunchDarklyClause[],
  segmentOf: (key: string) => string | undefined,
): Asked {
  const when: ConditionData[] = [];
  const segments: string[] = [];
  for (const [at, clause] of clauses.entries()) {
    if (clause.op === 'segmentMatch') {
      const [key, ...more] = clause.values;
      const known = typeof key === 'string' ? segmentOf(key) : undefined;
      if (clause.negate) return { why: 'A rule asks who is in a segment, not who is in none', at };
      if (more.length > 0) return { why: 'A rule asks who is in all of its segments, not in one of them', at };
      if (known === undefined) return { why: `The segment ${JSON.stringify(key)} did not come along`, at };
      segments.push(known);
      continue;
    }
    const conditions = translate(clause);
    if (typeof conditions === 'string') return { why: conditions, at };
    const [fault] = checkConditions(conditions);
    if (fault) return { why: fault.message, at };
    when.push(...conditions);
  }
  if (when.length > MAX_CONDITIONS) return { why: `A rule may have ${MAX_CONDITIONS} conditions`, at: 0 };
  return { when, segments: [...new Set(segments)] };
}

function translate({
  attribute: name = '',
  op,
  values,
  negate,
  contextKind,
}: LaunchDarklyClause): ConditionData[] | string {
  const attribute = toAttribute(name, contextKind);
  if (attribute === null) return `A rule cannot ask "${name}"${contextKind ? ` of a ${contextKind}` : ''}`;
  const operator = Object.hasOwn(OPERATORS, op) ? OPERATORS[op] : undefined;
  if (!operator) return `There is no operator like ${op}`;
  const wanted = values.map((value) => toScalar(value, operator));
  if (!negate) return [{ attribute, operator, values: wanted }];
  if (operator !== 'in') return `There is no opposite of ${op}`;
  // There a clause never holds where the attribute is missing.
  return [
    { attribute, operator: 'exists', values: [] },
    { attribute, operator: 'not_in', values: wanted },
  ];
}

/** Times may be milliseconds there. What is no value of a condition stays, and is refused as that. */
function toScalar(value: Json, operator: Operator): Scalar {
  const isTime = operator === 'before' || operator === 'after';
  if (isTime && typeof value === 'number' && Math.abs(value) < 8.64e15) return new Date(value).toISOString();
  return value as Scalar;
}
