import { IsString, MaxLength, MinLength } from 'class-validator';

/** Deletes your account. */
export class DeleteAccountRequest {
  /**
   * Your present password.
   * @example "correct horse battery staple"
   */
  @IsString()
  @MinLength(1)
  @MaxLength(1024)
  currentPassword!: string;
}
