import { createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SecretBox } from '../../kernel/secrets.js';

/** What a stream is opened for. */
export interface StreamRight {
  keyId: string;
  organizationId: string;
  environment: string;
}

const PURPOSE = 'openfeature stream';
const WINDOW_MS = 5 * 60_000;

/**
 * Tokens that stand in the address of a change stream, since EventSource sends no headers. They open a stream for 5 to 10
 * minutes and nothing else. They are signed and not stored, and made of the time's window alone: every instance makes the
 * same one, so that equal answers are equal byte by byte, as a strong entity tag says.
 */
@Injectable()
export class StreamTokens {
  constructor(private readonly box: SecretBox) {}

  /** The window that an instant lies in: a token is another one in the next. */
  windowAt(now: number): number {
    return Math.floor(now / WINDOW_MS);
  }

  issue({ keyId, organizationId, environment }: StreamRight, now: number): string {
    const expiresAt = (this.windowAt(now) + 2) * WINDOW_MS;
    const right = Buffer.from(JSON.stringify([keyId, organizationId, environment, expiresAt])).toString('base64url');
    return `${right}.${this.box.currentKeyId}.${this.sign(right, this.box.currentKeyId).toString('base64url')}`;
  }

  /** What a token opens; null when it is none, or none any more. */
  read(token: string, now: number): StreamRight | null {
    const [right, secretId, signature] = token.split('.');
    if (!right || !secretId || !signature || !this.box.has(secretId)) return null;
    const [given, expected] = [Buffer.from(signature, 'base64url'), this.sign(right, secretId)];
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    const [keyId, organizationId, environment, expiresAt] = JSON.parse(Buffer.from(right, 'base64url').toString()) as [
      string,
      string,
      string,
      number,
    ];
    return expiresAt > now ? { keyId, organizationId, environment } : null;
  }

  private sign(right: string, secretId: string): Buffer {
    return createHmac('sha256', this.box.derive(PURPOSE, secretId)).update(right).digest();
  }
}
