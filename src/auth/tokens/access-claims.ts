import type { JWTPayload } from 'jose';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** What a valid token says. Neither organization nor role: those are asked for when they are needed. */
export interface AccessClaims {
  readonly userId: string;
  readonly sessionId: string;
  readonly tokenId: string;
  /** Seconds since 1970, as in the token. */
  readonly authTime: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly methods: readonly string[];
}

/** Reads the claims of a verified token; null when one of them is not of our making. */
export function claimsOf({ sub, sid, jti, auth_time: authTime, iat, exp, amr }: JWTPayload): AccessClaims | null {
  if (!isUuid(sub) || !isUuid(sid) || !isUuid(jti)) return null;
  if (!isSeconds(authTime) || !isSeconds(iat) || !isSeconds(exp)) return null;
  if (!Array.isArray(amr) || !amr.every((method) => typeof method === 'string')) return null;
  // Frozen: every request with the same token is given the same object.
  return Object.freeze({
    userId: sub,
    sessionId: sid,
    tokenId: jti,
    authTime,
    issuedAt: iat,
    expiresAt: exp,
    methods: Object.freeze(amr),
  });
}

function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

function isSeconds(value: unknown): value is number {
  return Number.isInteger(value);
}
