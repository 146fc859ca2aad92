import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsUUID, ValidateIf } from 'class-validator';
import { IsDisplayName } from '../kernel/display-name.js';
import { IsSlug, SLUG } from './slug.js';

/** Left out, not null: a name cannot be cleared. */
const IfGiven = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined);

/** Founds an organization; you become its owner. */
export class CreateOrganizationRequest {
  /**
   * What it is called.
   * @example "Analytical Engines"
   */
  @IsDisplayName()
  name!: string;

  /** Its name in addresses, unique: lower-case letters, digits and single hyphens. Made from the name when left out. */
  @ApiPropertyOptional({ example: 'analytical-engines', pattern: SLUG.source, minLength: 2, maxLength: 60 })
  @IfGiven()
  @IsSlug()
  slug?: string;
}

/** Changes an organization. What is left out stays. */
export class UpdateOrganizationRequest {
  /**
   * What it is called.
   * @example "Analytical Engines"
   */
  @IfGiven()
  @IsDisplayName()
  name?: string;

  /** Its name in addresses, unique: lower-case letters, digits and single hyphens. */
  @ApiPropertyOptional({ example: 'analytical-engines', pattern: SLUG.source, minLength: 2, maxLength: 60 })
  @IfGiven()
  @IsSlug()
  slug?: string;
}

/** Hands an organization over. */
export class TransferOwnershipRequest {
  /**
   * The member who becomes owner.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  userId!: string;
}
