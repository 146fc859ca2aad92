import { IsString, MaxLength, MinLength } from 'class-validator';
import { IsEmailAddress } from '../../users/email.js';

/** Changes the e-mail address. */
export class ChangeEmailRequest {
  /**
   * The new address; a link to confirm is mailed there.
   * @example ada.king@example.com
   */
  @IsEmailAddress()
  email!: string;

  /**
   * Your present password.
   * @example "correct horse battery staple"
   */
  @IsString()
  @MinLength(1)
  @MaxLength(1024)
  currentPassword!: string;
}
