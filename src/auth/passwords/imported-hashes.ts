import { parseArgon2 } from './argon2-hash.js';
import { parseBcrypt } from './bcrypt-hash.js';
import { type ImportedHash, ImportedHashError, malformed } from './hash-text.js';
import { parsePbkdf2 } from './pbkdf2-hash.js';
import { parseScrypt } from './scrypt-hash.js';

export { type HashRefusal, type ImportedHash, ImportedHashError } from './hash-text.js';

/** Longer than any hash that fits the caps. */
const MAX_LENGTH = 512;

const SCHEMES = [parseArgon2, parseBcrypt, parseScrypt, parsePbkdf2];

/**
 * Reads a password hash in the notation of its scheme, of passlib, of Django or of Werkzeug:
 *
 *     $2b$12$…                        $argon2id$v=19$m=65536,t=3,p=4$…$…    argon2$argon2id$…
 *     $scrypt$ln=16,r=8,p=1$…$…       scrypt:32768:8:1$…$…                  scrypt$16384$…$8$5$…
 *     $pbkdf2-sha256$29000$…$…        $pbkdf2-sha256$i=29000,l=32$…$…       pbkdf2_sha256$…    pbkdf2:sha256:…
 *
 * Throws {@link ImportedHashError} before anything is computed: `unknown_scheme`, `malformed`, or `cost_too_high` when
 * a check would take more than about a second or 128 MiB. Cheap hashes are taken: the first sign-in replaces them.
 */
export function parseImportedHash(text: string): ImportedHash {
  if (text.length > MAX_LENGTH) throw malformed(`A hash may have at most ${MAX_LENGTH} characters`);
  for (const parse of SCHEMES) {
    const hash = parse(text);
    if (hash) return hash;
  }
  throw new ImportedHashError('unknown_scheme', 'Not a bcrypt, argon2, scrypt or PBKDF2 hash in a known notation');
}
