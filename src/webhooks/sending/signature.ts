import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
/** Standard Webhooks takes 24 to 64. */
const SECRET_BYTES = 32;

/** A new secret of an endpoint, as Standard Webhooks writes it down. */
export function newSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** What a request is signed with. */
export interface Signed {
  /** The same in every try. */
  id: string;
  /** Seconds since 1970, of this try. */
  timestamp: number;
  body: string;
}

/**
 * The headers of Standard Webhooks 1.0.0: HMAC-SHA-256 of `id.timestamp.body`, once for each secret, so that a receiver
 * who knows the old or the new one finds its own.
 */
export function signatureHeaders({ id, timestamp, body }: Signed, secrets: readonly string[]): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') };
}
