import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { newId } from '../../kernel/ids.js';
import type { SecretBox } from '../../kernel/secrets.js';
import { type PublicJwk, SIGNING_ALGORITHM } from './signing-key.entity.js';

/** A row of `signing_keys` as it is loaded; the times are milliseconds from the database's now. */
export interface SigningKeyRow {
  kid: string;
  public_jwk: PublicJwk;
  private_key: string;
  signs_in: number;
  expires_in: number | null;
}

interface RingKey {
  kid: string;
  jwk: PublicJwk;
  publicKey: KeyObject;
  sealed: string;
  signsFrom: number;
  expiresAt: number;
}

/** What signs a token. */
export interface Signer {
  kid: string;
  privateKey: KeyObject;
}

/**
 * The keys that one load found. Which of them signs and which verify follows the time that has passed since, on the
 * monotonic clock: no instance needs to hear of the moment in which a key takes over.
 */
export class KeyRing {
  private readonly keys: ReadonlyMap<string, RingKey>;
  private readonly opened = new Map<string, KeyObject>();

  /**
   * @param rows of `signing_keys`.
   * @param loadedAt `performance.now()` before they were asked for.
   * @param box opens the private keys, each when it first signs.
   */
  constructor(
    rows: readonly SigningKeyRow[],
    readonly loadedAt: number,
    private readonly box: SecretBox,
  ) {
    this.keys = new Map(
      rows.map((row) => [
        row.kid,
        {
          kid: row.kid,
          jwk: row.public_jwk,
          publicKey: createPublicKey({ key: { ...row.public_jwk }, format: 'jwk' }),
          sealed: row.private_key,
          signsFrom: loadedAt + row.signs_in,
          expiresAt: loadedAt + (row.expires_in ?? Infinity),
        },
      ]),
    );
  }

  /** The key that signs now; undefined when there is none. @throws Error when it cannot be opened. */
  signer(): Signer | undefined {
    const now = performance.now();
    let newest: RingKey | undefined;
    for (const key of this.keys.values())
      if (key.signsFrom <= now && key.expiresAt > now && (!newest || key.signsFrom > newest.signsFrom)) newest = key;
    if (!newest) return undefined;
    let privateKey = this.opened.get(newest.kid);
    if (!privateKey) {
      privateKey = createPrivateKey(this.box.decrypt(newest.sealed, sealContext(newest.kid)));
      this.opened.set(newest.kid, privateKey);
    }
    return { kid: newest.kid, privateKey };
  }

  /** The public key of this id, if it may still verify. */
  verifier(kid: string): KeyObject | undefined {
    const key = this.keys.get(kid);
    return key && key.expiresAt > performance.now() ? key.publicKey : undefined;
  }

  /** Every key that may verify now or is about to sign. */
  published(): PublicJwk[] {
    const now = performance.now();
    return [...this.keys.values()].filter(({ expiresAt }) => expiresAt > now).map(({ jwk }) => jwk);
  }
}

/** Makes a pair of keys. @returns the columns of its row; the private half is sealed and opens for this row alone. */
export function generateSigningKey(box: SecretBox): { kid: string; jwk: PublicJwk; sealed: string } {
  const kid = newId();
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  return {
    kid,
    jwk: { kty: 'OKP', crv: 'Ed25519', x: x!, kid, alg: SIGNING_ALGORITHM, use: 'sig' },
    sealed: box.encrypt(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), sealContext(kid)),
  };
}

function sealContext(kid: string): string {
  return `signing_keys.private_key ${kid}`;
}
