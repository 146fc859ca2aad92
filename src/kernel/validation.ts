import { type ArgumentMetadata, type ValidationError, ValidationPipe } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync } from 'class-validator';
import { isJsonObject } from './json.js';
import { type FieldError, invalidField, problem } from './problem.js';

const STRICT = {
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  // The refused value is not repeated: it may be a password.
  validationError: { target: false, value: false },
};

/**
 * Remembers what holds for a class. The validator looks for it anew for each object that it checks, in every class of
 * the program: of the 34 µs that the body of a sign-in cost, that was 24.
 */
function rememberRules(): void {
  const storage = getMetadataStorage();
  const lookUp = storage.getTargetValidationMetadatas.bind(storage);
  const known = new Map<unknown, ReturnType<typeof lookUp>>();
  // Of the options that it is called with, STRICT sets none: the rules are those of the class alone.
  storage.getTargetValidationMetadatas = (target, ...options) => {
    let rules = known.get(target);
    if (!rules) known.set(target, (rules = lookUp(target, ...options)));
    return rules;
  };
}
rememberRules();

/** Checks every body, query and path against its class; what the class does not name is refused. */
export function validationPipe(): ValidationPipe {
  return new RequestPipe({
    transform: true,
    ...STRICT,
    exceptionFactory: (failures) =>
      problem('validation_failed', { errors: failures.flatMap((failure) => fieldErrors(failure)) }),
  });
}

class RequestPipe extends ValidationPipe {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type === 'body' && value !== undefined) {
      // The validator takes a list for an object without properties, or for many objects.
      if (!isJsonObject(value)) throw invalidField('', 'is_object', 'The body has to be an object');
      refuseHuge(value, '');
    }
    return super.transform(value, metadata);
  }
}

/** More than any list may have. The validator looks at every element of a list that is too long, too: 10 µs each. */
const MAX_ELEMENTS = 20_000;
/**
 * More than any object has that fits into a body. What makes an instance of a class of it compares each field with every
 * other: 16,000 take most of a second.
 */
const MAX_FIELDS = 500;

/** @throws Problem `validation_failed` with the path of a list or an object that no schema would take. */
function refuseHuge(value: object, path: string): void {
  if (Array.isArray(value)) {
    if (value.length > MAX_ELEMENTS)
      throw invalidField(path, 'array_max_size', `${path} may not have more than ${MAX_ELEMENTS} elements`);
  } else if (Object.keys(value).length > MAX_FIELDS)
    throw invalidField(path, 'too_many_fields', `${path || 'The body'} may not have more than ${MAX_FIELDS} fields`);
  for (const [name, inner] of Object.entries(value as Record<string, unknown>))
    if (typeof inner === 'object' && inner !== null) refuseHuge(inner, path ? `${path}.${name}` : name);
}

/**
 * Reads a value as a class of requests as the pipe would, for one whose class only another field of the body tells.
 * @param field that it stands in; the paths of what is wrong begin with it.
 */
export function readAs<T extends object>(
  shape: new () => T,
  value: object,
  field: string,
): { read: T; errors: FieldError[] } {
  const read = plainToInstance(shape, value);
  return { read, errors: validateSync(read, STRICT).flatMap((failure) => fieldErrors(failure, field)) };
}

const TYPES = ['isString', 'isInt', 'isBoolean'];

function fieldErrors({ property, constraints = {}, children = [] }: ValidationError, parent = ''): FieldError[] {
  const field = parent ? `${parent}.${property}` : property;
  // Of a value that is missing or of another type only that is said: its length or pattern are no news.
  const type = TYPES.find((constraint) => constraint in constraints);
  const failed = Object.entries(constraints).filter(([constraint]) => type === undefined || constraint === type);
  return [
    ...failed.map(([constraint, message]) => ({ field, code: toCode(constraint), message })),
    ...children.flatMap((child) => fieldErrors(child, field)),
  ];
}

/** `isString` → `is_string`: the validator's own names, in the style of our codes. */
function toCode(constraint: string): string {
  if (constraint === 'whitelistValidation') return 'unknown_property';
  return constraint.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
