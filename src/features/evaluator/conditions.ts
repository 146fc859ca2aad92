import { OWN_ATTRIBUTES, own, reader } from './attributes.js';
import { instant } from './instants.js';
import type { Condition, Scalar, Segment, Subject } from './model.js';
import { compileTest, instantTest, type Test } from './operators.js';

export type Holds = (subject: Subject) => boolean;

/** Conditions that all have to hold, and what their outcome hangs on. */
export interface Compiled {
  readonly holds: readonly Holds[];
  /** Whether another context could change it. */
  readonly readsContext: boolean;
  /** The instants from which on it may be another because of the time alone. */
  readonly timeThresholds: readonly number[];
}

export type Segments = ReadonlyMap<string, Compiled>;

const NEVER: Compiled = { holds: [() => false], readsContext: false, timeThresholds: [] };

/** Segments for one environment, compiled once for all the rules that name them. */
export function compileSegments(segments: readonly Segment[], environment: string): Segments {
  return new Map(segments.map(({ key, when }) => [key, compileConditions(when, environment)]));
}

/** Conditions and segments of a rule; a segment that isn't there holds for nobody. */
export function compileConditions(
  when: readonly Condition[],
  environment: string,
  named: readonly string[] = [],
  segments: Segments = new Map(),
): Compiled {
  const parts = named.map((key) => segments.get(key) ?? NEVER);
  return {
    holds: [
      ...when.map((condition) => compileCondition(condition, environment)),
      ...parts.flatMap(({ holds }) => holds),
    ],
    readsContext:
      when.some(({ attribute }) => !OWN_ATTRIBUTES.includes(attribute)) || parts.some((part) => part.readsContext),
    timeThresholds: [...when.flatMap(thresholds), ...parts.flatMap((part) => part.timeThresholds)],
  };
}

/** All of them as one question. */
export function all(holds: readonly Holds[]): Holds {
  const [first, second] = holds;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  if (holds.length === 2) return (subject) => first(subject) && second(subject);
  return (subject) => {
    for (const hold of holds) if (!hold(subject)) return false;
    return true;
  };
}

function compileCondition(condition: Condition, environment: string): Holds {
  const { attribute, operator, inverted = false } = condition;
  const negated = (operator === 'not_in' || operator === 'not_equals' || operator === 'not_exists') !== inverted;
  const read = reader(attribute, environment);
  if (operator === 'exists' || operator === 'not_exists') return (subject) => (read(subject) != null) !== negated;
  const test = compileTest(condition);
  if (!isTime(condition)) return (subject) => matches(read(subject), test) !== negated;
  const holds = instantTest(condition);
  return ({ attributes, now }) => {
    const given = own(attributes, attribute);
    return (given == null ? holds(now) : matches(given, test)) !== negated;
  };
}

/** Any element of a list; what is missing, null or an object matches nothing. */
function matches(value: unknown, test: Test): boolean {
  if (isScalar(value)) return test(value);
  return Array.isArray(value) && value.some((element) => isScalar(element) && test(element));
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Our clock stands in for a `currentTime` that the context does not give, for these two operators only. */
function isTime({ attribute, operator }: Condition): boolean {
  return attribute === 'currentTime' && (operator === 'before' || operator === 'after');
}

function thresholds(condition: Condition): number[] {
  if (!isTime(condition)) return [];
  // `before` ends at its instant, `after` begins a millisecond later.
  const shift = condition.operator === 'after' ? 1 : 0;
  return condition.values.map((value) => instant(String(value)) + shift).filter((at) => !Number.isNaN(at));
}
