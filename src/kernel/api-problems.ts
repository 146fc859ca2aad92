import { applyDecorators } from '@nestjs/common';
import { ApiExtension, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { type ErrorCode } from './errors.js';

/** What is wrong with one field of the request. */
export class FieldErrorView {
  /** Path of the field. */
  @ApiProperty({ example: 'password' })
  field!: string;
  /** Stable code. */
  @ApiProperty({ example: 'password_too_short' })
  code!: string;
  /** For a person to read. */
  @ApiProperty({ example: 'The password needs at least 15 characters' })
  message!: string;
}

/** Every error, as application/problem+json (RFC 9457). */
export class ProblemView {
  /** Address of the error's description. */
  @ApiProperty({ example: 'https://tenon.example/docs/errors#not_found' })
  type!: string;
  /** The same for every error of this code. */
  @ApiProperty({ example: 'There is nothing here' })
  title!: string;
  /** HTTP status. */
  @ApiProperty({ example: 404 })
  status!: number;
  /** What happened this time. */
  @ApiProperty({ example: 'There is nothing here' })
  detail!: string;
  /** Stable code to act on. */
  @ApiProperty({ example: 'not_found' })
  code!: string;
  /** Also in the header X-Request-Id; name it when you ask for help. */
  @ApiProperty({ example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00' })
  requestId!: string;
  /** The fields that were refused, for `validation_failed`. */
  @ApiPropertyOptional({ type: [FieldErrorView] })
  errors?: FieldErrorView[];
}

/** Begins the extensions under which a route's error codes stand until `openapi.ts` turns them into responses. */
export const PROBLEM_EXTENSION = 'x-problem-';

/**
 * Names error codes that a route can answer with, on a method or for every route of a controller. May stand several
 * times; the document groups them by status. What a body, a query or a path implies needs no naming.
 */
export function ApiProblems(...codes: ErrorCode[]): MethodDecorator & ClassDecorator {
  // Each code is an extension of its own: of two with one name, Swagger keeps the first and drops the other.
  return applyDecorators(...codes.map((code) => ApiExtension(`${PROBLEM_EXTENSION}${code}`, true)));
}
