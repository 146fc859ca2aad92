import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { IsDisplayName } from '../../kernel/display-name.js';

export const PLAN_KEY = /^[a-z][a-z0-9-]{1,39}$/;
const KEY_MESSAGE = { message: '$property has to be 2 to 40 of a-z, 0-9 and hyphens, a letter first' };
const MOST = 1_000_000;

/** What a plan limits. */
export class PlanLimitsRequest {
  /** Members at most; null for no limit. Lowering it is refused while an organization on the plan has more. */
  @ApiPropertyOptional({ type: 'integer', nullable: true, example: 25 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST)
  seats?: number | null;

  /** Claimed domains at most; null for no limit. Those beyond a lowered limit stay, new ones are refused. */
  @ApiPropertyOptional({ type: 'integer', nullable: true, example: 3 })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MOST)
  domains?: number | null;

  /** Custom roles at most; null for no limit. Those beyond a lowered limit stay, new ones are refused. */
  @ApiPropertyOptional({ type: 'integer', nullable: true, example: 5 })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MOST)
  customRoles?: number | null;
}

/** Makes a plan. */
export class CreatePlanRequest {
  /**
   * What it is known by: 2 to 40 of a-z, 0-9 and hyphens, a letter first; it cannot be changed.
   * @example team
   */
  @IsString()
  @Matches(PLAN_KEY, KEY_MESSAGE)
  key!: string;

  /**
   * What it is called.
   * @example "Team"
   */
  @IsDisplayName()
  name!: string;

  /** What it is for. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'For teams of up to 25' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  description?: string | null;

  /** What it limits; what is left out has no limit. */
  @IsObject()
  @ValidateNested()
  @Type(() => PlanLimitsRequest)
  limits!: PlanLimitsRequest;
}

/** Changes a plan. What is left out stays; null clears. */
export class UpdatePlanRequest {
  /**
   * What it is called.
   * @example "Team"
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsDisplayName()
  name?: string;

  /** What it is for. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'For teams of up to 25' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  description?: string | null;

  /** The limits to change; null takes one away. */
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @ValidateNested()
  @Type(() => PlanLimitsRequest)
  limits?: PlanLimitsRequest;
}

/** Names a plan. */
export class PlanPath {
  /**
   * Key of the plan.
   * @example team
   */
  @Matches(PLAN_KEY, KEY_MESSAGE)
  key!: string;
}

/** Puts an organization on a plan. */
export class PutOrganizationPlanRequest {
  /**
   * Key of the plan.
   * @example team
   */
  @IsString()
  @Matches(PLAN_KEY, KEY_MESSAGE)
  plan!: string;
}
