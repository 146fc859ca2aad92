import { IsString, MaxLength, MinLength } from 'class-validator';
import { IsEmailAddress } from '../../users/email.js';

/** Signs in. */
export class LoginRequest {
  /**
   * E-mail address of the account.
   * @example ada@example.com
   */
  @IsEmailAddress()
  email!: string;

  /**
   * Its password.
   * @example "correct horse battery staple"
   */
  @IsString()
  @MinLength(1)
  @MaxLength(1024)
  password!: string;
}
