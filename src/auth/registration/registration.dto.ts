import { Transform } from 'class-transformer';
import { IsOptional, IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { IsEmailAddress } from '../../users/email.js';
import { IsDisplayName } from '../../kernel/display-name.js';

/** Registers a person. */
export class RegisterRequest {
  /**
   * E-mail address; a link to verify it is sent there.
   * @example ada@example.com
   */
  @IsEmailAddress()
  email!: string;

  /**
   * At least 15 characters unless the installation says otherwise, at most 256; common ones and your own name are refused.
   * @example "correct horse battery staple"
   */
  @IsString()
  @MinLength(1)
  @MaxLength(1024)
  password!: string;

  /**
   * What the person is called.
   * @example "Ada Lovelace"
   */
  @IsDisplayName()
  fullName!: string;

  /**
   * Name of an organization to found once the address is verified; the person owns it.
   * @example "Analytical Engines"
   */
  @IsOptional()
  @IsDisplayName()
  organizationName?: string;
}

/** Shows a token that was mailed. */
export class TokenRequest {
  /**
   * The token of the link.
   * @example Zk3xP0mXo3wq8m2yq7l1sV9c5n4b6a8d0e2f4g6h8i0
   */
  @IsString()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @Matches(/^[A-Za-z0-9_-]{1,200}$/, { message: 'token has to be the token of a link' })
  token!: string;
}

/** Names an address that a mail may go to. */
export class EmailRequest {
  /**
   * E-mail address.
   * @example ada@example.com
   */
  @IsEmailAddress()
  email!: string;
}
