import type { JsonObject } from '../../../kernel/json.js';
import type { FieldError } from '../../../kernel/problem.js';
import { misfit, misfits, schemaFault } from '../../definitions/value-schema.js';

/** Of a widget that has no settings. */
const NO_SETTINGS: JsonObject = { type: 'object', additionalProperties: false };

/** What is wrong with a schema of settings: as a schema, or since it asks for some of a widget that was just placed. */
export function settingsSchemaFaults(schema: JsonObject | null): FieldError[] {
  if (schema === null) return [];
  const wrong = schemaFault(schema);
  if (wrong) {
    const field = ['settingsSchema', wrong.path].filter(Boolean).join('.');
    return [{ field, code: 'schema_invalid', message: `${field} ${wrong.message}` }];
  }
  const unfit = misfit(schema, [{}]);
  if (!unfit) return [];
  const message = `settingsSchema has to take {}, the settings of what was just placed: it ${unfit.message}`;
  return [{ field: 'settingsSchema', code: 'settings_not_optional', message }];
}

/**
 * All of some settings that their widgets do not take, and why.
 * @param placed settings, each with the schema of its widget.
 */
export function settingsMisfits(
  placed: readonly { schema: JsonObject | null; settings: JsonObject }[],
): ReturnType<typeof misfits> {
  return misfits(placed.map(({ schema, settings }) => ({ schema: schema ?? NO_SETTINGS, value: settings })));
}
