import { ValidateBy } from 'class-validator';
import { isFiniteJson, type Json, levelsOf } from '../kernel/json.js';

/** Bytes of one value, as JSON. */
const MAX_BYTES = 64 * 1024;
/** Levels of objects and arrays within one value. */
const MAX_LEVELS = 8;

/** What a value may be, as the OpenAPI document shows it. */
export const ANY_VALUE = {
  oneOf: [
    { type: 'boolean' },
    { type: 'string' },
    { type: 'number' },
    { type: 'object', additionalProperties: true },
    { type: 'array', items: {} },
  ],
};

/** What no feature can have as its value, of whatever type it is; null when there is nothing against it. */
export function valueFault(value: unknown): string | null {
  if (value === undefined || value === null) return 'is missing: null is no value';
  if (Buffer.byteLength(JSON.stringify(value)) > MAX_BYTES) return `takes more than ${MAX_BYTES / 1024} KiB`;
  if (levelsOf(value as Json) > MAX_LEVELS) return `has more than ${MAX_LEVELS} levels`;
  return isFiniteJson(value as Json) ? null : 'holds a number that is too large';
}

/** A field that holds a value of a feature: any JSON but null, of at most 64 KiB and 8 levels. */
export function IsFeatureValue(): PropertyDecorator {
  return ValidateBy({
    name: 'isFeatureValue',
    validator: {
      validate: (value: unknown) => valueFault(value) === null,
      defaultMessage: (context) => `$property ${valueFault(context?.value)}`,
    },
  });
}

/** A field that holds such values by name. */
export function AreFeatureValues(): PropertyDecorator {
  const faults = (value: unknown): string[] =>
    Object.entries((value ?? {}) as object).flatMap(([name, one]) => {
      const fault = valueFault(one);
      return fault === null ? [] : [`${name} ${fault}`];
    });
  return ValidateBy({
    name: 'areFeatureValues',
    validator: {
      validate: (value: unknown) => faults(value).length === 0,
      defaultMessage: (context) => `$property: ${faults(context?.value)[0]}`,
    },
  });
}
