import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsUUID,
  Matches,
  Max,
  Min,
  ValidateIf,
} from 'class-validator';
import { ArrayUnique } from '../../kernel/array-unique.js';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../environments/environments.dto.js';
import { IsOneLine } from '../../kernel/display-name.js';
import { PageQuery } from '../../kernel/lists.js';
import { PLAN_KEY } from '../../organizations/plans/plans.dto.js';
import { MOST_ORGANIZATIONS, type SelectionRequest } from './selection.js';
import { TemplatePath } from './templates.dto.js';

const given = (_: unknown, value: unknown): boolean => value !== undefined;

/** To whom a template would be applied: one of `organizationIds`, `plan` and `all`. */
export class TemplatePreviewRequest implements SelectionRequest {
  /** Ids of up to 10,000 active organizations. */
  @ApiPropertyOptional({ type: [String], format: 'uuid', example: ['0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00'] })
  @ValidateIf(given)
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MOST_ORGANIZATIONS)
  @ArrayUnique((id: unknown) => (typeof id === 'string' ? id.toLowerCase() : id))
  @IsUUID(undefined, { each: true })
  organizationIds?: string[];

  /** Key of a plan: all active organizations on it. */
  @ApiPropertyOptional({ type: String, example: 'standard' })
  @ValidateIf(given)
  @Matches(PLAN_KEY, { message: 'plan has to be the key of a plan' })
  plan?: string;

  /** All active organizations; where the template has target plans, those on one of them. */
  @ApiPropertyOptional({ enum: [true], example: true })
  @ValidateIf(given)
  @IsIn([true])
  all?: true;

  /**
   * Key of the only environment where the values hold; everywhere when left out.
   * @example production
   */
  @ValidateIf(given)
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;
}

/** Applies a template to organizations: one of `organizationIds`, `plan` and `all`. */
export class ApplyTemplateRequest extends TemplatePreviewRequest {
  /**
   * Why, for whoever looks at it later: one line of 3 to 300 characters.
   * @example "The pilot begins, agreed with sales"
   */
  @IsOneLine('isReason', 3, 300)
  reason!: string;
}

/** Takes an application back. */
export class RollBackApplicationRequest {
  /**
   * Why, for whoever looks at it later: one line of 3 to 300 characters.
   * @example "The pilot was called off"
   */
  @IsOneLine('isReason', 3, 300)
  reason!: string;

  /**
   * Leaves the overrides that somebody changed since the application as they are, and puts the others back. Without it
   * there has to be none of these.
   * @example false
   */
  @ApiPropertyOptional({ default: false })
  @ValidateIf(given)
  @IsBoolean()
  keepChanged?: boolean;
}

/** Which organizations of a preview to show. */
export class TemplatePreviewQuery extends PageQuery {
  // Said in full: what is left out would be that of the property which it overrides.
  @ApiPropertyOptional({
    type: Number,
    minimum: 1,
    maximum: 50,
    default: 20,
    example: 20,
    description: 'Organizations on a page, each with every feature of the template.',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(50)
  override perPage: number = 20;
}

/** Names an application. */
export class ApplicationPath {
  /**
   * Id of the application.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  id!: string;
}

/** Names an application of a template. */
export class TemplateApplicationPath extends TemplatePath {
  /**
   * Id of the application.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  id!: string;
}

const selections = {
  plan: { summary: 'All on a plan', value: { plan: 'standard' } },
  all: { summary: 'All', value: { all: true } },
  organizations: {
    summary: 'Some, by their ids',
    value: { organizationIds: ['0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00'] },
  },
};

/** Bodies that Swagger UI offers. */
export const previewExamples = selections;
export const applyExamples = Object.fromEntries(
  Object.entries(selections).map(([name, { summary, value }]) => [
    name,
    { summary, value: { ...value, reason: 'The pilot begins' } },
  ]),
);
