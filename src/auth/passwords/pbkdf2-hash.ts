import { pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import {
  capCost,
  checkHashLength,
  checkSaltLength,
  fromBase64,
  fromHex,
  fromText,
  type ImportedHash,
  malformed,
} from './hash-text.js';

const derive = promisify(pbkdf2);

/** Rounds of HMAC: 0.2 s with SHA-256, 0.6 s with SHA-512. OWASP asks for up to 1.3 million (SHA-1). */
const MAX_ROUNDS = 2_000_000;

/** Output of one block in bytes: a longer hash takes the iterations once per block. */
const BLOCK_BYTES = { sha1: 20, sha256: 32, sha512: 64 };

interface Notation {
  /** Group 1: the digest; SHA-1 where there is none. */
  prefix: RegExp;
  /** Named groups: `iterations`, `salt`, `hash`, and `length` in bytes where the notation has it. */
  rest: RegExp;
  salt(text: string): Buffer;
  hash(text: string): Buffer;
}

const NOTATIONS: Notation[] = [
  {
    // PHC string; passlib without `i=`
    prefix: /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$/,
    rest: /^(?:i=)?(?<iterations>[1-9]\d*)(?:,l=(?<length>[1-9]\d*))?\$(?<salt>[^$]+)\$(?<hash>[^$]+)$/,
    salt: fromBase64,
    hash: fromBase64,
  },
  {
    // Django
    prefix: /^pbkdf2_(sha1|sha256|sha512)\$/,
    rest: /^(?<iterations>[1-9]\d*)\$(?<salt>[^$]+)\$(?<hash>[^$]+)$/,
    salt: fromText,
    hash: fromBase64,
  },
  {
    // Werkzeug
    prefix: /^pbkdf2:(sha1|sha256|sha512):/,
    rest: /^(?<iterations>[1-9]\d*)\$(?<salt>[^$]+)\$(?<hash>[^$]+)$/,
    salt: fromText,
    hash: fromHex,
  },
];

/** PBKDF2 (RFC 8018) in the notation of PHC strings, passlib, Django or Werkzeug. Undefined for other schemes. */
export function parsePbkdf2(text: string): ImportedHash | undefined {
  const notation = NOTATIONS.find(({ prefix }) => prefix.test(text));
  if (!notation) return undefined;
  const digest = (notation.prefix.exec(text)?.[1] ?? 'sha1') as keyof typeof BLOCK_BYTES;
  const fields = notation.rest.exec(text.replace(notation.prefix, ''))?.groups;
  if (!fields) throw malformed('Not a PBKDF2 hash as in $pbkdf2-sha256$29000$salt$hash');
  const iterations = Number(fields.iterations);
  capCost('PBKDF2 iterations', iterations, MAX_ROUNDS);
  const salt = checkSaltLength(notation.salt(fields.salt ?? ''));
  const hash = checkHashLength(notation.hash(fields.hash ?? ''));
  if (fields.length && Number(fields.length) !== hash.length) throw malformed('The hash has another length than its l');
  const blocks = Math.ceil(hash.length / BLOCK_BYTES[digest]);
  capCost('PBKDF2 iterations times blocks', iterations * blocks, MAX_ROUNDS);
  return {
    scheme: 'pbkdf2',
    verify: async (password) => timingSafeEqual(await derive(password, salt, iterations, hash.length, digest), hash),
  };
}
