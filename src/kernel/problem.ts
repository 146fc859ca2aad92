import { errors, type ErrorCode } from './errors.js';

/** What is wrong with one field of a request. */
export interface FieldError {
  /** Path of the field, such as `address.city`. */
  field: string;
  code: string;
  message: string;
}

export interface ProblemOptions {
  /** What happened this time, for a person to read. */
  detail?: string;
  errors?: FieldError[];
  /** Sent with the answer, such as Retry-After. */
  headers?: Record<string, string>;
  cause?: unknown;
}

/** An error that the caller is told about, by a code of the registry (RFC 9457). */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors?: FieldError[];
  readonly headers: Record<string, string>;

  constructor(
    readonly code: ErrorCode,
    options: ProblemOptions = {},
  ) {
    super(options.detail ?? errors[code].title, { cause: options.cause });
    this.name = 'Problem';
    this.status = errors[code].status;
    this.title = errors[code].title;
    this.detail = options.detail ?? this.title;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }
}

/** The error to throw for a code of the registry. */
export function problem(code: ErrorCode, options?: ProblemOptions): Problem {
  return new Problem(code, options);
}

/** A refusal of one field: 400 `validation_failed`. */
export function invalidField(field: string, code: string, message: string): Problem {
  return new Problem('validation_failed', { errors: [{ field, code, message }] });
}
