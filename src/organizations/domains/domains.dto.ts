import { IsString, IsUUID, MaxLength, MinLength } from 'class-validator';
import { MAX_TYPED } from './domain-name.js';

/** Claims a domain. */
export class ClaimRequest {
  /**
   * The domain, in ASCII or Unicode. Only itself: what is below it or above it is another one.
   * @example example.com
   */
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_TYPED)
  domain!: string;
}

/** Names a claimed domain. */
export class DomainPath {
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  organizationId!: string;

  /**
   * Id of the claim.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  id!: string;
}
