import { IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { IsDisplayName } from '../../kernel/display-name.js';
import { TokenRequest } from '../registration/registration.dto.js';

/** Accepts an invitation. With a session the token is enough; somebody new says who they are. */
export class AcceptInvitationRequest extends TokenRequest {
  /**
   * Of somebody new: what they are called.
   * @example "Grace Hopper"
   */
  @IsOptional()
  @IsDisplayName()
  fullName?: string;

  /**
   * Of somebody new: the password of their account; the rules are those of registration.
   * @example "correct horse battery staple"
   */
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(1024)
  password?: string;
}
