import { createHmac, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SecretBox } from '../../kernel/secrets.js';

const TOKEN = /^([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{43})$/;

/**
 * The chain of a session's refresh tokens. A successor is derived from the presented token (HMAC-SHA-256 under a key
 * that the token names), so that only hashes are stored and the same successor can be given again in the seconds of
 * grace. Without the key nobody can compute it, and changing the key's name makes it another, unknown token.
 */
@Injectable()
export class RefreshChain {
  constructor(private readonly box: SecretBox) {}

  /** The first token of a session, and the key that its chain is derived with. */
  begin(): { token: string; keyId: string } {
    const keyId = this.box.currentKeyId;
    return { token: `${keyId}.${randomBytes(32).toString('base64url')}`, keyId };
  }

  /** The one token that may follow `token`; null when `token` is none of ours. */
  successor(token: string): string | null {
    const keyId = TOKEN.exec(token)?.[1];
    if (keyId === undefined || !this.box.has(keyId)) return null;
    return `${keyId}.${createHmac('sha256', this.box.derive('refresh-token', keyId)).update(token).digest('base64url')}`;
  }
}
