import { createHash, randomBytes } from 'node:crypto';

/**
 * A new secret token for a link, a session or a key.
 * @param bytes of randomness; 32 are 256 bits, beyond guessing.
 * @returns base64url without padding.
 */
export function newToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url');
}

/**
 * What is stored of a token: its SHA-256. A slow hash would add nothing, since the token is random (OWASP Password
 * Storage Cheat Sheet speaks of secrets that people choose).
 */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
