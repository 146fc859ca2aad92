import { Ajv, type AnySchema, type ValidateFunction } from 'ajv';
import type { JsonObject } from '../../kernel/json.js';
import type { FieldError } from '../../kernel/problem.js';

const ajv = new Ajv({ strict: true, strictTypes: false, allErrors: false, logger: false });
const compiled = new WeakMap<object, ValidateFunction>();

/** What of a document of another system has not the shape that its export has; null when all has. What we do not read may be anything. */
export function shapeFault(schema: AnySchema & object, document: JsonObject): FieldError | null {
  let fits = compiled.get(schema);
  if (!fits) compiled.set(schema, (fits = ajv.compile(schema)));
  if (fits(document)) return null;
  const { instancePath = '', message = 'has another shape' } = fits.errors?.[0] ?? {};
  const field = `document${instancePath.replaceAll('/', '.')}`;
  return { field, code: 'document_shape', message: `${field} ${message}` };
}
