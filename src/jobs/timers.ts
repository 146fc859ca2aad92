import { Injectable, Logger } from '@nestjs/common';

/** Work that every instance repeats for itself. */
export interface Timer {
  name: string;
  everyMs: number;
  run: () => Promise<unknown>;
}

/** The only place that starts timers. A run never overlaps itself; a failed one is logged, and the next one comes. */
@Injectable()
export class Timers {
  private readonly log = new Logger('timers');
  private readonly timers: Timer[] = [];
  private readonly handles = new Set<NodeJS.Timeout>();
  private readonly running = new Map<Timer, Promise<void>>();

  /** Rooms add their timers in their constructors. */
  add(timer: Timer): void {
    this.timers.push(timer);
  }

  /** Starts every timer; the first runs come after their intervals. */
  start(): void {
    for (const timer of this.timers) {
      const handle = setInterval(() => this.tick(timer), timer.everyMs);
      handle.unref();
      this.handles.add(handle);
    }
  }

  /** Ends every timer and waits for what runs. */
  async stop(): Promise<void> {
    for (const handle of this.handles) clearInterval(handle);
    this.handles.clear();
    await Promise.all(this.running.values());
  }

  private tick(timer: Timer): void {
    if (this.running.has(timer)) return;
    const run = timer
      .run()
      .then(
        () => undefined,
        (error: unknown) => this.log.warn({ timer: timer.name, err: error }, 'timer failed'),
      )
      .finally(() => this.running.delete(timer));
    this.running.set(timer, run);
  }
}
