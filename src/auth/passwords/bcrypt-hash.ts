import { verify } from '@node-rs/bcrypt';
import { capCost, type ImportedHash, malformed } from './hash-text.js';

/** 2^14 rounds take 0.7 s; the cost goes up to 31, a day. */
const MAX_COST = 14;

/** bcrypt reads so many bytes of a password and no further. */
const READS_BYTES = 72;

/** 16 bytes of salt and 23 of hash: the last character of each has bits to spare, which have to be 0. */
const HASH = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/;

/**
 * `$2a$`, `$2b$` and `$2y$`, which mean the same today. Not `$2x$`, the mark of an old faulty implementation.
 * Undefined for other schemes.
 */
export function parseBcrypt(text: string): ImportedHash | undefined {
  if (!/^\$2[aby]\$/.test(text)) return undefined;
  const cost = Number(HASH.exec(text)?.[1]);
  if (!(cost >= 4 && cost <= 31)) throw malformed('Not a bcrypt hash as in $2b$12$ and 53 characters');
  capCost('bcrypt cost', cost, MAX_COST);
  return { scheme: 'bcrypt', verify: (password) => verifyBcrypt(text, password) };
}

/**
 * Never true for a password that bcrypt would not read whole: everything after byte 72, and in many implementations
 * after a NUL, could be anything, and re-hashing it would make a never checked text the password. Its owner has to
 * reset it. It is hashed all the same, or the short time would tell that the account exists.
 */
async function verifyBcrypt(hash: string, password: string): Promise<boolean> {
  const matches = await verify(password, hash);
  return matches && Buffer.byteLength(password) <= READS_BYTES && !password.includes('\0');
}
