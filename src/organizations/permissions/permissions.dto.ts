import { Transform } from 'class-transformer';
import { IsUUID } from 'class-validator';

/** Asks what one may do in an organization. */
export class MyPermissionsQuery {
  /**
   * Id of the organization.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  // Memory knows one spelling.
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.toLowerCase() : value))
  organizationId!: string;
}
