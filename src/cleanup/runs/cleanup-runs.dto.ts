import { ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsBoolean, IsIn, IsInt, Max, Min, ValidateIf } from 'class-validator';
import { ArrayUnique } from '../../kernel/array-unique.js';
import { TOKEN_TYPE_NAMES, TYPE_NAMES } from '../expiring-types.js';
import { BATCH_SIZE } from './cleanup-runs.service.js';

const given = (_: unknown, value: unknown): boolean => value !== undefined;

/** Asks for what has expired to be removed now. */
export class RunCleanupRequest {
  /** What to remove; when left out, every token: everything up to `session` in this list. */
  @ApiPropertyOptional({ enum: TYPE_NAMES, isArray: true, example: TOKEN_TYPE_NAMES })
  @ValidateIf(given)
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(TYPE_NAMES.length)
  @ArrayUnique()
  @IsIn(TYPE_NAMES, { each: true, message: `each of tokenTypes has to be one of ${TYPE_NAMES.join(', ')}` })
  tokenTypes?: string[];

  /** Rows that are removed at once, at most; fewer while the database is busy. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 10_000, default: BATCH_SIZE, example: BATCH_SIZE })
  @ValidateIf(given)
  @IsInt()
  @Min(1)
  @Max(10_000)
  batchSize?: number;

  /** Counts what would be removed, and removes nothing. */
  @ApiPropertyOptional({ default: false, example: true })
  @ValidateIf(given)
  @IsBoolean()
  dryRun?: boolean;
}
