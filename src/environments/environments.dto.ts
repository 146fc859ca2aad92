import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Matches, MaxLength, ValidateIf } from 'class-validator';
import { IsDisplayName } from '../kernel/display-name.js';

/** What an environment can be known by. */
export const ENVIRONMENT_KEY = /^[a-z0-9][a-z0-9._-]{1,39}$/;
export const ENVIRONMENT_KEY_MESSAGE = {
  message: '$property has to be 2 to 40 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first',
};

/** Makes an environment. */
export class CreateEnvironmentRequest {
  /**
   * What it is known by: 2 to 40 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first; it cannot be changed.
   * @example "preview-eu"
   */
  @IsString()
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  key!: string;

  /**
   * What it is called; its key unless said.
   * @example "Preview, Europe"
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsDisplayName()
  name?: string;

  /** What runs there. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'What is about to go live' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  description?: string | null;
}

/** Names an environment. */
export class EnvironmentPath {
  /**
   * Key of the environment.
   * @example production
   */
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  key!: string;
}
