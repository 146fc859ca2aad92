import { Injectable } from '@nestjs/common';

/** What a handler is given. */
export interface DeliverableMessage<T = unknown> {
  id: string;
  payload: T;
  /** Tries that failed before this one. */
  attempts: number;
  createdAt: Date;
  /** Aborted when the time limit is over or the process stops. */
  signal: AbortSignal;
}

/** Delivers one message. `'kept'`: there is nowhere to send it; it stays as it is. Anything thrown is tried again. */
export type OutboxHandler<T = unknown> = (message: DeliverableMessage<T>) => Promise<void | 'kept'>;

/** How long and how often a message is tried. */
export interface DeliveryPolicy {
  timeLimitMs: number;
  /** Wait after the first failure; doubled by each further one. */
  firstDelayMs: number;
  maxDelayMs: number;
  /** Tries until the message counts as failed. */
  maxAttempts: number;
}

/** 10 tries within the first quarter of an hour, then one each quarter: 298 make three days. */
const DEFAULT_POLICY: DeliveryPolicy = {
  timeLimitMs: 60_000,
  firstDelayMs: 1_000,
  maxDelayMs: 15 * 60_000,
  maxAttempts: 298,
};

/** Thrown by a handler for what no further try can heal: the message counts as failed at once. */
export class PermanentFailure extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'PermanentFailure';
  }
}

/** Who handles which topic. Rooms register in their constructors, before the worker starts. */
@Injectable()
export class OutboxHandlers {
  private readonly handlers = new Map<string, { handler: OutboxHandler; policy: DeliveryPolicy }>();

  register<T>(topic: string, handler: OutboxHandler<T>, policy: Partial<DeliveryPolicy> = {}): void {
    this.handlers.set(topic, { handler: handler as OutboxHandler, policy: { ...DEFAULT_POLICY, ...policy } });
  }

  /** A topic without handler, as a newer instance may have left it, fails and is tried again like any other. */
  find(topic: string): { handler: OutboxHandler; policy: DeliveryPolicy } {
    return (
      this.handlers.get(topic) ?? { handler: () => Promise.reject(new Error('no handler')), policy: DEFAULT_POLICY }
    );
  }
}

/** Milliseconds to wait after `failures` failed tries. A tenth of it is random, so that retries spread. */
export function backoffMs(failures: number, { firstDelayMs, maxDelayMs }: DeliveryPolicy): number {
  const delay = Math.min(firstDelayMs * 2 ** Math.min(failures - 1, 30), maxDelayMs);
  return Math.round(delay * (0.9 + Math.random() * 0.1));
}
