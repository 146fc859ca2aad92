import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import type { SecretKey } from '../../config/env.js';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts secrets at rest with AES-256-GCM (NIST SP 800-38D). The sealed text names its key, so that keys can be
 * rotated: the first key encrypts, every key decrypts.
 */
export class SecretBox {
  private readonly keys: ReadonlyMap<string, Buffer>;
  /** The id of the key that encrypts. */
  readonly currentKeyId: string;

  constructor(keys: readonly SecretKey[]) {
    const [first] = keys;
    if (!first) throw new Error('SecretBox needs at least one key');
    this.currentKeyId = first.id;
    this.keys = new Map(keys.map(({ id, key }) => [id, key]));
  }

  /**
   * Seals `plain`. The `context` (table, column, row) is authenticated with it: a sealed text moved to another place
   * does not open.
   * @returns `v1.<keyId>.<base64url of iv, ciphertext, tag>`
   */
  encrypt(plain: string, context: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.derive('encrypt', this.currentKeyId), iv);
    cipher.setAAD(Buffer.from(context));
    const body = Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `v1.${this.currentKeyId}.${body.toString('base64url')}`;
  }

  /**
   * Opens what {@link encrypt} sealed.
   * @throws Error when the key is unknown, or text or context were changed.
   */
  decrypt(sealed: string, context: string): string {
    const [version, keyId = '', encoded = ''] = sealed.split('.');
    if (version !== 'v1') throw new Error('Not a sealed text');
    const body = Buffer.from(encoded, 'base64url');
    if (body.length < IV_BYTES + TAG_BYTES) throw new Error('Not a sealed text');
    const decipher = createDecipheriv('aes-256-gcm', this.derive('encrypt', keyId), body.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(body.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(body.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
  }

  /** Whether a key is among those given. */
  has(keyId: string): boolean {
    return this.keys.has(keyId);
  }

  /**
   * A key for one purpose (HKDF-SHA-256, RFC 5869), so that no key serves two. An HMAC by a key object takes 3 µs, by the
   * bytes of the key 15: Node finds out each time that they are none.
   * @throws Error when `keyId` is not among the keys.
   */
  derive(purpose: string, keyId: string = this.currentKeyId): KeyObject {
    const cached = this.derived.get(`${keyId} ${purpose}`);
    if (cached) return cached;
    const key = this.keys.get(keyId);
    if (!key) throw new Error(`No secret key with the id "${keyId}"; SECRET_KEYS has to keep it while it is in use`);
    const derived = createSecretKey(Buffer.from(hkdfSync('sha256', key, '', `tenon ${purpose}`, 32)));
    this.derived.set(`${keyId} ${purpose}`, derived);
    return derived;
  }

  private readonly derived = new Map<string, KeyObject>();
}
