import type { EvaluationScope } from '../evaluation/evaluation.service.js';
import { nextChange, stateId, stateOf } from './entity-tag.js';
import type { EventStream } from './event-stream.js';

/** The streams of one organization in one environment: they are told the same at the same time. */
export class StreamGroup {
  private readonly streams = new Set<EventStream>();
  /** When it changes by time alone, in ms since 1970. */
  private nextAt = Infinity;
  private soiled = false;

  constructor(
    readonly organizationId: string,
    readonly environment: string,
  ) {}

  add(stream: EventStream, scope: EvaluationScope): void {
    this.streams.add(stream);
    this.nextAt = nextChange(scope);
  }

  /** @returns whether it was the last one. */
  remove(stream: EventStream): boolean {
    this.streams.delete(stream);
    return this.streams.size === 0;
  }

  /** Notes that what was told is no more. */
  soil(): void {
    this.soiled = true;
  }

  /** Whether its clients have to be told something. */
  isDue(now: number): boolean {
    return this.soiled || this.nextAt <= now;
  }

  /** The keys that its streams were opened with. */
  get keyIds(): ReadonlySet<string> {
    return new Set([...this.streams].map(({ keyId }) => keyId));
  }

  /**
   * Tells all of them to ask again. Who cannot be told is let go: whoever comes back and has missed something is told.
   * @param scopeOf what they are evaluated with now.
   */
  async tell(scopeOf: () => EvaluationScope | Promise<EvaluationScope>): Promise<void> {
    // What changes from here on makes it due again.
    this.soiled = false;
    this.nextAt = Infinity;
    try {
      const given = scopeOf();
      const scope = given instanceof Promise ? await given : given;
      this.nextAt = Math.min(this.nextAt, nextChange(scope));
      const id = stateId(stateOf(scope));
      for (const stream of this.streams) stream.refetch(id);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  beat(): void {
    for (const stream of this.streams) stream.beat();
  }

  /** Ends the streams of a key, or all. */
  end(keyId?: string): void {
    for (const stream of this.streams) if (keyId === undefined || stream.keyId === keyId) stream.end();
  }
}
