import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';

/** The only algorithm: Ed25519 signs in 22 µs where ES256 takes 35 µs, verifies in the same 62 µs, and needs no nonce. */
export const SIGNING_ALGORITHM = 'EdDSA';

/** A public key as JWKS shows it (RFC 7517, RFC 8037). */
export interface PublicJwk {
  kty: string;
  crv: string;
  x: string;
  kid: string;
  alg: string;
  use: string;
}

const SigningKeySchema = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_keys',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  uniques: [
    {
      // Instances that start at once, or rotate at once, leave one key that nobody has retired.
      name: 'signing_keys_current_unique',
      expression: `create unique index signing_keys_current_unique on signing_keys ((true)) where retired_at is null`,
    },
  ],
  properties: {
    kid: p.uuid().primary(),
    algorithm: p.string(),
    publicJwk: p.json<PublicJwk>(),
    /** PKCS #8 PEM, sealed. */
    privateKey: p.text(),
    createdAt: p.datetime(),
    /** Signs from here on; published before. */
    activatedAt: p.datetime(),
    /** Signs until here; null for the newest key. */
    retiredAt: p.datetime().nullable(),
    /** Verifies until here. */
    expiresAt: p.datetime().nullable(),
  },
});

/** A pair of keys that access tokens are signed with. */
export class SigningKey extends SigningKeySchema.class {}
SigningKeySchema.setClass(SigningKey);
