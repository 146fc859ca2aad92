import { verify } from '@node-rs/argon2';
import { capCost, checkHashLength, checkSaltLength, fromBase64, type ImportedHash, malformed } from './hash-text.js';

/** KiB: 128 MiB. Django and argon2-cffi made hashes of 100 MiB; four at once, on two cores, take 512 MiB. */
const MAX_MEMORY = 131_072;
/** 128 MiB ten times take about 0.5 s. */
const MAX_PASSES = 10;
const MAX_LANES = 16;

const PREFIX = /^(?:argon2)?\$argon2(?:id|i|d)\$/;
const REST = /^(?:v=(16|19)\$)?m=([1-9]\d*),t=([1-9]\d*),p=([1-9]\d*)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** A PHC string of Argon2id, i or d (RFC 9106), also with Django's `argon2` before it. Undefined for other schemes. */
export function parseArgon2(text: string): ImportedHash | undefined {
  const prefix = PREFIX.exec(text)?.[0];
  if (!prefix) return undefined;
  const [, , memory, passes, lanes, salt = '', hash = ''] = REST.exec(text.slice(prefix.length)) ?? [];
  if (!memory) throw malformed('Not an argon2 hash as in $argon2id$v=19$m=65536,t=3,p=4$salt$hash');
  capCost('argon2 m', Number(memory), MAX_MEMORY);
  capCost('argon2 t', Number(passes), MAX_PASSES);
  capCost('argon2 p', Number(lanes), MAX_LANES);
  if (Number(memory) < 8 * Number(lanes)) throw malformed('argon2 needs m of at least 8 p');
  checkSaltLength(fromBase64(salt), 8);
  checkHashLength(fromBase64(hash));
  const phc = text.slice(text.indexOf('$'));
  return { scheme: 'argon2', verify: (password) => verify(phc, password) };
}
