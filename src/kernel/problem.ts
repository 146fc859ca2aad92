import { errors, type ErrorCode } from './errors.js';

/** What is wrong with one field of a request. */
export interface FieldError {
  /** Path of the field, such as `address.city`. */
  field: string;
  code: string;
  message: string;
}

export interface ProblemOptions {
  /** What happened this time, for a person to read; else what is wrong with the fields, or the title. */
  detail?: string;
  errors?: FieldError[];
  /** Sent with the answer, such as Retry-After. */
  headers?: Record<string, string>;
  cause?: unknown;
}

const TOLD_FAULTS = 3;

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
    const { status, title } = errors[code];
    const detail = options.detail ?? (options.errors && faults(options.errors)) ?? title;
    super(detail, { cause: options.cause });
    this.name = 'Problem';
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }
}

/** What is wrong with the first of the fields, as a sentence; those who show only `detail` are helped as well. */
function faults(all: readonly FieldError[]): string | undefined {
  const told = all.slice(0, TOLD_FAULTS).map(({ message }) => message);
  if (all.length > TOLD_FAULTS) told.push(`and ${all.length - TOLD_FAULTS} more`);
  return told.join('; ') || undefined;
}

/** The error to throw for a code of the registry. */
export function problem(code: ErrorCode, options?: ProblemOptions): Problem {
  return new Problem(code, options);
}

/** A refusal of one field: 400 `validation_failed`. */
export function invalidField(field: string, code: string, message: string): Problem {
  return new Problem('validation_failed', { errors: [{ field, code, message }] });
}
