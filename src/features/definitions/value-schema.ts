import { createContext, Script } from 'node:vm';
import { Ajv, type AnySchema, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { LRUCache } from 'lru-cache';
import { isJsonObject, type Json, type JsonObject } from '../../kernel/json.js';

/** Bytes of a schema, as JSON. */
const MAX_BYTES = 64 * 1024;
/** How long a schema may take to compile, and a value to be held against it. */
const BUDGET_MS = 500;
const DRAFT_7 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/;
const DRAFT_2020 = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;
const REFERENCES = new Set(['$ref', '$dynamicRef', '$recursiveRef']);

const options: Options = {
  // What no keyword of the draft is has no effect, and its author thinks that it has.
  strictSchema: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  // An annotation, as 2020-12 has it: formats are many, and each validator knows others.
  validateFormats: false,
  // With the schema that refused, which knows what it would have taken.
  verbose: true,
  logger: false,
};

/** Why a schema or a value is refused: what of it, by its path, and how. */
export interface Fault {
  /** With dots; empty for all of it. */
  path: string;
  message: string;
}

interface Compiled {
  fits: ValidateFunction;
}
/** By the schema's text, and by how much is looked for: compiling takes 1 to 20 ms. */
const compiled = new LRUCache<string, Compiled>({ max: 200 });

/** What is wrong with a JSON Schema; null when values can be held against it. */
export function schemaFault(schema: JsonObject): Fault | null {
  if (Buffer.byteLength(JSON.stringify(schema)) > MAX_BYTES)
    return { path: '', message: `takes more than ${MAX_BYTES / 1024} KiB` };
  const { $schema } = schema;
  if ($schema !== undefined && !(typeof $schema === 'string' && (DRAFT_7.test($schema) || DRAFT_2020.test($schema))))
    return { path: '$schema', message: 'has to be JSON Schema of the draft 2020-12 or draft-07' };
  const refused = refusedKeyword(schema, '');
  if (refused) return refused;
  try {
    const result = compile(schema);
    if (!('fits' in result)) return result;
    const { fits } = result;
    // One of each type: a reference that leads back without going deeper into the value never ends for some of them.
    withinBudget(() => ONE_OF_EACH_TYPE.forEach((value) => fits(value)));
    return null;
  } catch (error) {
    return { path: '', message: sayFailure(error) };
  }
}

const ONE_OF_EACH_TYPE: readonly Json[] = [null, true, 0, '', [], {}];

function sayFailure(error: unknown): string {
  // The stack ended: values are at most 32 levels deep, which no schema that goes down with them exhausts.
  if (error instanceof RangeError) return 'refers to itself without end: a $ref has to lead deeper into the value';
  return (error as Error).message;
}

/**
 * The first of some values that does not fit a schema, and why; null when all do.
 * @param schema that {@link schemaFault} has nothing against.
 */
export function misfit(schema: JsonObject, values: readonly Json[]): (Fault & { index: number }) | null {
  let index = 0;
  try {
    const result = compile(schema);
    if (!('fits' in result)) return { ...result, index };
    const { fits } = result;
    const fit = (value: Json, at: number): boolean => ((index = at), fits(value));
    return withinBudget(() => values.every(fit)) ? null : { ...faultsOf(fits.errors)[0]!, index };
  } catch (error) {
    return { path: '', message: `could not be held against the schema: it ${sayFailure(error)}`, index };
  }
}

/** What is told of one value. */
const MOST_FAULTS = 20;

/**
 * All of some values that does not fit their schemas, and why. They have one budget of time together.
 * @param pairs of schemas that {@link schemaFault} has nothing against, and values.
 */
export function misfits(pairs: readonly { schema: JsonObject; value: Json }[]): (Fault & { index: number })[] {
  const faults: (Fault & { index: number })[] = [];
  let index = 0;
  try {
    const work = pairs.map(({ schema, value }, at) => {
      index = at;
      return { result: compile(schema, { allErrors: true }), value };
    });
    withinBudget(() => {
      for (const [at, { result, value }] of work.entries()) {
        index = at;
        if (!('fits' in result)) faults.push({ ...result, index });
        else if (!result.fits(value)) {
          faults.push(...faultsOf(result.fits.errors).map((fault) => ({ ...fault, index: at })));
          // They may be many, and would be kept with what is compiled.
          result.fits.errors = null;
        }
      }
    });
  } catch (error) {
    faults.push({ path: '', message: `could not be held against the schema: it ${sayFailure(error)}`, index });
  }
  return faults;
}

function compile(schema: JsonObject, { allErrors = false } = {}): Compiled | Fault {
  const text = `${allErrors} ${JSON.stringify(schema)}`;
  const known = compiled.get(text);
  if (known) return known;
  const isDraft7 = typeof schema.$schema === 'string' && DRAFT_7.test(schema.$schema);
  const ajv = new (isDraft7 ? Ajv : Ajv2020)({ ...options, allErrors });
  if (!ajv.validateSchema(schema as AnySchema)) return faultsOf(ajv.errors)[0]!;
  const result = { fits: withinBudget(() => ajv.compile(schema as AnySchema)) };
  compiled.set(text, result);
  return result;
}

const stage = createContext({ work: (): unknown => null });
const script = new Script('work()');

/**
 * Runs something that a schema decides over: a pattern such as `(a+)+$` or a comparison of all with all could take the
 * only thread for hours. V8 ends it wherever it is, also within a regular expression, so that patterns need no rules of
 * their own. Costs a millisecond.
 * @throws Error when it takes longer than its budget.
 */
function withinBudget<T>(work: () => T): T {
  stage.work = work;
  try {
    return script.runInContext(stage, { timeout: BUDGET_MS }) as T;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new Error(`takes longer than ${BUDGET_MS} ms`, { cause: error });
    throw error;
  } finally {
    stage.work = () => null;
  }
}

/** Nothing is fetched, and nothing is checked later: references stay within the schema, and answers are at once. */
function refusedKeyword(node: Json, path: string): Fault | null {
  if (Array.isArray(node)) return first(node.entries(), path);
  if (!isJsonObject(node)) return null;
  for (const [name, value] of Object.entries(node)) {
    if (REFERENCES.has(name) && typeof value === 'string' && !value.startsWith('#'))
      return { path: join(path, name), message: 'has to stay within the schema, and begin with #' };
    if (name === '$async') return { path: join(path, name), message: 'is not taken' };
  }
  return first(Object.entries(node), path);
}

function first(entries: Iterable<[string | number, Json]>, path: string): Fault | null {
  for (const [name, value] of entries) {
    const fault = refusedKeyword(value, join(path, name));
    if (fault) return fault;
  }
  return null;
}

const join = (path: string, name: string | number): string => (path === '' ? `${name}` : `${path}.${name}`);

/** Values that a message names. */
const TOLD_VALUES = 10;
const TOLD_LENGTH = 100;

/** Below one of several alternatives, of which none has to be the one that was meant. */
const IN_ALTERNATIVE = /\/(?:anyOf|oneOf)\/\d+\//;
/** They only say that what they hold found something. */
const SUMMARIES = new Set(['if', 'propertyNames']);

/** What the validator found, each once; at least one. */
function faultsOf(errors: readonly ErrorObject[] | null | undefined): Fault[] {
  const told = (errors ?? []).filter(
    ({ schemaPath, keyword }) => !IN_ALTERNATIVE.test(schemaPath) && !SUMMARIES.has(keyword),
  );
  const [first = errors?.[0]] = told;
  if (!first) return [{ path: '', message: 'does not fit' }];
  return (told.length > 0 ? told : [first]).slice(0, MOST_FAULTS).map(toFault);
}

/** At which property it was, and where a validator only says that something does not fit, what would. */
function toFault(error: ErrorObject): Fault {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');
  const { params, propertyName } = error;
  // Of a name itself the schema sees nothing around it.
  if (propertyName !== undefined) return { path: join(path, propertyName), message: `as a name ${say(error)}` };
  const misplaced: unknown = params.additionalProperty ?? params.unevaluatedProperty;
  return { path: typeof misplaced === 'string' ? join(path, misplaced) : path, message: say(error) };
}

function say({ keyword, params, parentSchema, message = 'does not fit' }: ErrorObject): string {
  switch (keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return sayProperties(parentSchema);
    case 'enum':
      return `has to be one of ${sayAll(params.allowedValues as Json[])}`;
    case 'const':
      return `has to be ${sayAll([params.allowedValue as Json])}`;
    case 'false schema':
      return 'is not taken';
    default:
      return message;
  }
}

/** Of a property that a schema does not know: which ones it does. */
function sayProperties(schema: ErrorObject['parentSchema']): string {
  const known = Object.keys((schema?.properties ?? {}) as object);
  return known.length === 0 ? 'is not taken' : `is not taken: there is ${sayAll(known)}`;
}

function sayAll(values: readonly Json[]): string {
  const told = values.slice(0, TOLD_VALUES).map((value) => {
    const text = JSON.stringify(value);
    return text.length > TOLD_LENGTH ? `${text.slice(0, TOLD_LENGTH)}…` : text;
  });
  return values.length > TOLD_VALUES ? `${told.join(', ')} and ${values.length - TOLD_VALUES} more` : told.join(', ');
}
