import { IsString, Matches, MaxLength, MinLength } from 'class-validator';

/** Chooses a new password with the token of a mail. */
export class ResetPasswordRequest {
  /**
   * The token of the link.
   * @example Zk3xP0mXo3wq8m2yq7l1sV9c5n4b6a8d0e2f4g6h8i0
   */
  @IsString()
  @Matches(/^[A-Za-z0-9_-]{1,200}$/, { message: 'token has to be the token of a link' })
  token!: string;

  /**
   * The new password; the rules are those of registration.
   * @example "correct horse battery staple"
   */
  @IsString()
  @MinLength(1)
  @MaxLength(1024)
  password!: string;
}

/** Changes the password. */
export class ChangePasswordRequest {
  /**
   * The present password.
   * @example "correct horse battery staple"
   */
  @IsString()
  @MinLength(1)
  @MaxLength(1024)
  currentPassword!: string;

  /**
   * The new password; the rules are those of registration.
   * @example "battery staple horse correct"
   */
  @IsString()
  @MinLength(1)
  @MaxLength(1024)
  newPassword!: string;
}
