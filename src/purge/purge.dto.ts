import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsString, IsUUID, MaxLength } from 'class-validator';
import { PURGE_SCOPES, type PurgeScope } from '../database/purge-rules.js';

/** Asks what a purge would remove. */
export class PlanPurgeRequest {
  /** `test-data`: test accounts and what is theirs alone; `all`: everything but the installation itself. */
  @ApiProperty({ enum: PURGE_SCOPES, example: 'test-data' })
  @IsIn(PURGE_SCOPES)
  scope!: PurgeScope;
}

/** Executes a plan. */
export class ExecutePurgeRequest {
  /** Of your own plan, at most 15 minutes old. */
  @ApiProperty({ format: 'uuid', example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00' })
  @IsUUID()
  planId!: string;

  /** The `phrase` of the plan, letter by letter. */
  @ApiProperty({ example: 'purge test-data of tenon at tenon.example.com' })
  @IsString()
  @MaxLength(500)
  confirmation!: string;
}

/** Names a plan in a path. */
export class PurgePlanPath {
  /** Id of the plan. */
  @ApiProperty({ format: 'uuid', example: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00' })
  @IsUUID()
  planId!: string;
}
