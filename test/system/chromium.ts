import { type Browser, chromium } from 'playwright-core';
import programs from '../../scripts/system-programs.json' with { type: 'json' };

/** A name that is not loopback, which browsers treat as any other host on plain HTTP. */
export const HOST = 'tenon.test';

/** Debian's Chromium, without a window; it finds {@link HOST} on this machine. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: programs.chromium,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
    ],
  });
}
