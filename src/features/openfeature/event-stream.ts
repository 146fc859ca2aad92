import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** Milliseconds after which a client tries again when a stream ended. */
const RETRY_MS = 2_000;

/** One open stream of server-sent events (HTML, 9.2). */
export class EventStream {
  private readonly raw: ServerResponse;

  /**
   * Begins the answer.
   * @param head what every answer has, as a flat list of names and values.
   * @param state where the client is, which it sends as Last-Event-ID when it comes back.
   */
  constructor(
    reply: FastifyReply,
    head: readonly string[],
    readonly keyId: string,
    state: string,
  ) {
    reply.hijack();
    this.raw = reply.raw;
    this.raw.writeHead(200, [
      ...head,
      'content-type',
      'text/event-stream; charset=utf-8',
      'cache-control',
      'no-store, no-transform',
      // Nginx collects answers unless it is told not to.
      'x-accel-buffering',
      'no',
      // What is left of the connection ends with the stream, so that no stop waits for it.
      'connection',
      'close',
    ]);
    this.write(`retry: ${RETRY_MS}\nid: ${state}\n\n`);
  }

  onClose(listener: () => void): void {
    this.raw.once('close', listener);
  }

  /** Says that everything has to be asked again. */
  refetch(state: string): void {
    this.write(`id: ${state}\ndata: {"type":"refetchEvaluation","etag":"${state}"}\n\n`);
  }

  /** Keeps proxies from taking it for dead. */
  beat(): void {
    this.write(':\n\n');
  }

  end(): void {
    this.raw.end();
  }

  private write(text: string): void {
    // Who has not taken what was sent before takes nothing; they come back when they can, and are told what they missed.
    if (this.raw.writableNeedDrain) this.raw.destroy();
    else this.raw.write(text);
  }
}
