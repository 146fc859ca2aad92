import type { Json } from '../../kernel/json.js';
import type { FieldError } from '../../kernel/problem.js';
import { checkDefinition, checkValue } from '../evaluator/check.js';
import type { FeatureFacts } from './definitions.queries.js';
import { misfit, schemaFault } from './value-schema.js';

/** What of a feature does not fit together: values with type and schema, variants with each other. */
export function definitionFaults(facts: FeatureFacts): FieldError[] {
  const { type, schema, metering, defaultValue, variants, plans } = facts;
  const faults = checkDefinition(facts);
  if (metering && type !== 'number')
    faults.push({ field: 'metering', code: 'metering_not_allowed', message: 'Only the use of a number is counted' });
  if (!schema) return faults;
  if (type !== 'json')
    return [
      ...faults,
      { field: 'schema', code: 'schema_not_allowed', message: 'Only values of type json have a schema' },
    ];
  const wrong = schemaFault(schema);
  if (wrong) {
    const field = ['schema', wrong.path].filter(Boolean).join('.');
    return [...faults, { field, code: 'schema_invalid', message: `${field} ${wrong.message}` }];
  }
  const values: [field: string, value: Json][] = [
    ['defaultValue', defaultValue],
    ...(variants ?? []).map(({ value }, at): [string, Json] => [`variants.${at}.value`, value]),
    ...Object.entries(plans).map(([plan, value]): [string, Json] => [`plans.${plan}`, value]),
  ];
  return [...faults, ...values.flatMap(([field, value]) => schemaErrors(schema, value, field))];
}

/** Why a feature cannot have a value: by its type, or else by its schema. */
export function valueErrors(
  { type, schema }: Pick<FeatureFacts, 'type' | 'schema'>,
  value: Json,
  field: string,
): FieldError[] {
  const errors = checkValue(type, value, field);
  return errors.length > 0 ? errors : schemaErrors(schema, value, field);
}

/** Why a feature cannot have a value by its schema. */
export function schemaErrors(schema: FeatureFacts['schema'], value: Json, field: string): FieldError[] {
  const wrong = schema && misfit(schema, [value]);
  if (!wrong) return [];
  const path = [field, wrong.path].filter(Boolean).join('.');
  return [{ field: path, code: 'value_schema_mismatch', message: `${path} ${wrong.message}` }];
}
