/** The work took longer than it may. */
export class TimeLimitError extends Error {
  constructor(limitMs: number) {
    super(`took longer than ${limitMs / 1000} s`);
    this.name = 'TimeLimitError';
  }
}

/** The process stops; the work was given back. */
export class StoppedError extends Error {
  constructor() {
    super('the process stops');
    this.name = 'StoppedError';
  }
}

/**
 * Runs `work` and stops waiting for it after `limitMs`, or when `stop` is aborted. Work cannot be killed: it is told by
 * its signal, and what it still does afterwards is not heard.
 * @throws TimeLimitError, StoppedError, or what `work` throws.
 */
export async function withTimeLimit<T>(
  limitMs: number,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { promise: over, reject } = Promise.withResolvers<never>();
  const give = (error: Error) => {
    reject(error);
    controller.abort(error);
  };
  const onStop = (): void => give(new StoppedError());
  const timer = setTimeout(() => give(new TimeLimitError(limitMs)), limitMs);
  stop.addEventListener('abort', onStop, { once: true });
  try {
    if (stop.aborted) throw new StoppedError();
    return await Promise.race([work(controller.signal), over]);
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', onStop);
  }
}
