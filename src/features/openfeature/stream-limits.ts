import { Injectable } from '@nestjs/common';

/** How many change streams may be open in this process; about 20 KiB each. */
@Injectable()
export class StreamLimits {
  all = 5_000;
  /** The pages of a customer's product may all have one key. */
  ofKey = 2_000;
}
