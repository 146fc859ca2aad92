import { scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
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

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/** Bytes. N=2^17, r=8, the dearest of the OWASP cheat sheet, takes exactly this. */
const MAX_MEMORY = 128 * 2 ** 20;
/** N·r·p: twice the work of that one, 0.5 to 0.7 s. */
const MAX_WORK = 2 ** 21;

interface Notation {
  prefix: RegExp;
  /** Named groups: `n` or its logarithm `ln`, `r`, `p`, `salt`, `hash`. */
  rest: RegExp;
  salt(text: string): Buffer;
  hash(text: string): Buffer;
}

const NOTATIONS: Notation[] = [
  {
    // PHC string, passlib
    prefix: /^\$scrypt\$/,
    rest: /^ln=(?<ln>[1-9]\d*),r=(?<r>[1-9]\d*),p=(?<p>[1-9]\d*)\$(?<salt>[^$]+)\$(?<hash>[^$]+)$/,
    salt: fromBase64,
    hash: fromBase64,
  },
  {
    // Werkzeug
    prefix: /^scrypt:/,
    rest: /^(?<n>[1-9]\d*):(?<r>[1-9]\d*):(?<p>[1-9]\d*)\$(?<salt>[^$]+)\$(?<hash>[^$]+)$/,
    salt: fromText,
    hash: fromHex,
  },
  {
    // Django
    prefix: /^scrypt\$/,
    rest: /^(?<n>[1-9]\d*)\$(?<salt>[^$]+)\$(?<r>[1-9]\d*)\$(?<p>[1-9]\d*)\$(?<hash>[^$]+)$/,
    salt: fromText,
    hash: fromBase64,
  },
];

/** scrypt (RFC 7914) in the notation of PHC strings, Werkzeug or Django. Undefined for other schemes. */
export function parseScrypt(text: string): ImportedHash | undefined {
  const notation = NOTATIONS.find(({ prefix }) => prefix.test(text));
  if (!notation) return undefined;
  const fields = notation.rest.exec(text.replace(notation.prefix, ''))?.groups;
  if (!fields) throw malformed('Not a scrypt hash as in $scrypt$ln=16,r=8,p=1$salt$hash');
  const N = fields.ln ? 2 ** Number(fields.ln) : Number(fields.n);
  const [r, p] = [Number(fields.r), Number(fields.p)];
  capCost('scrypt memory 128·N·r', 128 * N * r, MAX_MEMORY);
  capCost('scrypt work N·r·p', N * r * p, MAX_WORK);
  // RFC 7914, 2: a power of two above 1, below 2^(128·r/8)
  if (N < 2 || !Number.isInteger(Math.log2(N)) || Math.log2(N) >= 16 * r) throw malformed('scrypt cannot have this N');
  const salt = checkSaltLength(notation.salt(fields.salt ?? ''));
  const hash = checkHashLength(notation.hash(fields.hash ?? ''));
  // Node refuses at its own 32 MiB unless told; p and OpenSSL take a little beside 128·N·r.
  const options = { N, r, p, maxmem: 2 * MAX_MEMORY };
  return {
    scheme: 'scrypt',
    verify: async (password) => timingSafeEqual(await derive(password, salt, hash.length, options), hash),
  };
}
