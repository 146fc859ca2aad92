import { Ajv, type ErrorObject } from 'ajv';
import { isTimeZone } from 'class-validator';
import { isFiniteJson, isJsonObject, type Json, type JsonObject, levelsOf } from '../../kernel/json.js';
import { type FieldError, problem } from '../../kernel/problem.js';
import { normalizeEmail } from '../../users/email.js';
import { MAX_CUSTOM_DEPTH, MAX_SETTINGS_BYTES, settingsSchema } from './settings.schema.js';

/** Of a body with a thousand faults the first ones are news. */
const MAX_ERRORS = 20;

const ajv = new Ajv({
  strict: true,
  allErrors: true,
  // For people, in the OpenAPI document.
  keywords: ['example'],
  formats: {
    // One rule for addresses, that of accounts.
    email: (text: string) => normalizeEmail(text) !== null && text.trim() === text,
    // Intl takes offsets such as +01:00, too, which are no zones.
    'time-zone': (text: string) => /^[A-Za-z]/.test(text) && isTimeZone(text),
    'language-tag': isLanguageTag,
    'https-url': isHttpsUrl,
  },
});
const fits = ajv.compile(settingsSchema);

/**
 * Checks settings as a whole: their size, their schema, and what of the free part no schema says.
 * @throws Problem `validation_failed` with the path of each fault.
 */
export function checkSettings(settings: Json): asserts settings is JsonObject {
  const errors = sizeErrors(settings);
  // What is too large is not looked at any further.
  if (errors.length === 0 && !fits(settings)) errors.push(...(fits.errors ?? []).map(toFieldError));
  if (errors.length === 0 && isJsonObject(settings)) errors.push(...customErrors(settings.custom));
  if (errors.length > 0) throw problem('validation_failed', { errors: errors.slice(0, MAX_ERRORS) });
}

function sizeErrors(settings: Json): FieldError[] {
  if (Buffer.byteLength(JSON.stringify(settings)) <= MAX_SETTINGS_BYTES) return [];
  return [
    { field: 'settings', code: 'too_large', message: `The settings may take ${MAX_SETTINGS_BYTES / 1024} KiB in all` },
  ];
}

function customErrors(custom: Json | undefined): FieldError[] {
  if (custom === undefined) return [];
  const errors: FieldError[] = [];
  if (levelsOf(custom) > MAX_CUSTOM_DEPTH)
    errors.push({ field: 'custom', code: 'too_deep', message: `custom may have ${MAX_CUSTOM_DEPTH} levels` });
  if (!isFiniteJson(custom))
    errors.push({ field: 'custom', code: 'number_too_large', message: 'custom holds a number that is too large' });
  return errors;
}

function isLanguageTag(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

function isHttpsUrl(text: string): boolean {
  // What a URL parser repairs on its way is not stored: spaces, line breaks, backslashes, quotes.
  if (!/^https:\/\/[^\s\p{C}"'<>\\^`{|}]+$/u.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && url.username === '' && url.password === '';
}

/** An error of the schema in the words of ours: the path with dots, and a code of the same style. */
function toFieldError({ instancePath, keyword, params, message }: ErrorObject): FieldError {
  const path = instancePath.split('/').slice(1);
  if (keyword === 'additionalProperties') {
    const field = [...path, String(params.additionalProperty)].join('.');
    return { field, code: 'unknown_property', message: `property ${field} should not exist` };
  }
  const field = path.join('.');
  const code = keyword === 'format' ? String(params.format).replaceAll('-', '_') : keyword;
  const allowed = keyword === 'enum' ? `: ${(params.allowedValues as string[]).join(', ')}` : '';
  return { field, code: snakeCase(code), message: `${field} ${message}${allowed}` };
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
