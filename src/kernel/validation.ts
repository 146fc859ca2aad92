import { type ValidationError, ValidationPipe } from '@nestjs/common';
import { type FieldError, problem } from './problem.js';

/** Checks every body, query and path against its class; what the class does not name is refused. */
export function validationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    // The refused value is not repeated: it may be a password.
    validationError: { target: false, value: false },
    exceptionFactory: (failures) =>
      problem('validation_failed', { errors: failures.flatMap((failure) => fieldErrors(failure)) }),
  });
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
