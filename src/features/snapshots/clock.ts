import { Injectable } from '@nestjs/common';

/** The database's clock, which decides what has expired, without asking it: its distance to ours is noted at each load. */
@Injectable()
export class Clock {
  private ahead = 0;

  /** @param now what the database said just now, in ms since 1970. */
  set(now: number): void {
    this.ahead = now - Date.now();
  }

  /** ms since 1970. */
  now(): number {
    return Date.now() + this.ahead;
  }
}
