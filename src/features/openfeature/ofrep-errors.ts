import { toProblem } from '../../kernel/problem.filter.js';
import type { Problem } from '../../kernel/problem.js';

/** Codes of OpenFeature that an answer may carry. */
export const OFREP_ERROR_CODES = [
  'PARSE_ERROR',
  'INVALID_CONTEXT',
  'TARGETING_KEY_MISSING',
  'FLAG_NOT_FOUND',
  'GENERAL',
] as const;
export type OfrepErrorCode = (typeof OFREP_ERROR_CODES)[number];

/** Something that the protocol has words of its own for. */
export class OfrepError extends Error {
  constructor(
    readonly status: number,
    readonly errorCode: OfrepErrorCode,
    readonly errorDetails: string,
  ) {
    super(errorDetails);
  }
}

/**
 * What a failure is to its caller: what the protocol knows in its words, everything else (who asks, how much, how often,
 * whether we can answer at all) as a problem of ours, which its clients know by the status.
 */
export function toOfrep(error: unknown): OfrepError | Problem {
  if (error instanceof OfrepError) return error;
  const problem = toProblem(error);
  if (problem.code === 'malformed_json') return new OfrepError(400, 'PARSE_ERROR', problem.detail);
  return problem.status === 400 || problem.status === 500
    ? new OfrepError(problem.status, 'GENERAL', problem.detail)
    : problem;
}
