/** A public key (RFC 7517, RFC 8037). */
export class JwkView {
  /**
   * Key type.
   * @example OKP
   */
  kty!: string;
  /**
   * Curve.
   * @example Ed25519
   */
  crv!: string;
  /**
   * The public key, base64url.
   * @example 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo
   */
  x!: string;
  /**
   * Id, as in the header of the tokens that it signs.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  kid!: string;
  /**
   * Algorithm.
   * @example EdDSA
   */
  alg!: string;
  /**
   * What it is for: signatures.
   * @example sig
   */
  use!: string;
}

/** The keys that access tokens are verified with. */
export class JwksView {
  /** Every key that signs now, is about to, or signed tokens that are still valid. */
  keys!: JwkView[];
}
