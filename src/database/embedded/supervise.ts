import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const retryMs = 1000;

/**
 * Starts a server again whenever it ends unasked: killed for want of memory, or by hand. Nobody else would, since this
 * process holds its folder.
 *
 * @param restart clears what the old one left, and starts it on the same port; tried again every second until it can.
 * @param say gets a line for what happens.
 * @returns what ends this; once it resolves, no start is under way.
 */
export function superviseServer(
  server: ChildProcess,
  restart: () => Promise<ChildProcess>,
  say: (line: string) => void,
): () => Promise<void> {
  const stopping = new AbortController();
  let returning: Promise<void> = Promise.resolve();

  const bringBack = async (): Promise<void> => {
    say('PostgreSQL has ended, and nobody here asked it to; starting it again …');
    let told = '';
    while (!stopping.signal.aborted) {
      try {
        watch(await restart());
        say('PostgreSQL is back');
        return;
      } catch (error) {
        const line = `PostgreSQL does not start: ${error instanceof Error ? error.message : String(error)}`;
        if (line !== told) say(line);
        told = line;
        await sleep(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  };
  const watch = (child: ChildProcess): void => {
    const onExit = (): void => {
      if (!stopping.signal.aborted) returning = bringBack();
    };
    if (child.exitCode !== null || child.signalCode !== null) onExit();
    else child.once('exit', onExit);
  };

  watch(server);
  return async () => {
    stopping.abort();
    await returning;
  };
}
