import { IsInt, IsString, Matches, Max, Min, ValidateIf } from 'class-validator';
import { ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE } from '../../environments/environments.dto.js';

/** Uses up some of a limit. */
export class ConsumeRequest {
  /**
   * How much, 1 to 1,000,000,000.
   * @example 1
   */
  @IsInt()
  @Min(1)
  @Max(1_000_000_000)
  amount!: number;

  /**
   * Names this use: sent again within 7 days, it has no second effect and the same answer. 1 to 200 visible ASCII characters,
   * such as the id of what was made.
   * @example export-0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsString()
  @Matches(/^[\x21-\x7e]{1,200}$/, { message: 'idempotencyKey has to be 1 to 200 visible ASCII characters' })
  idempotencyKey!: string;

  /**
   * Key of the environment whose limit is used; `production` when left out, for an API key its own.
   * @example production
   */
  @ValidateIf((_, value) => value !== undefined)
  @Matches(ENVIRONMENT_KEY, ENVIRONMENT_KEY_MESSAGE)
  environment?: string;
}
