/** A password hash of another system: understood, and no dearer to check than its scheme's cap. */
export interface ImportedHash {
  readonly scheme: 'argon2' | 'bcrypt' | 'pbkdf2' | 'scrypt';
  /** Whether this is the password, in NFC. Computes on libuv's threads. */
  verify(password: string): Promise<boolean>;
}

export type HashRefusal = 'unknown_scheme' | 'malformed' | 'cost_too_high';

/** Why a hash cannot be imported. The message never holds a part of the hash. */
export class ImportedHashError extends Error {
  constructor(
    readonly code: HashRefusal,
    message: string,
  ) {
    super(message);
    this.name = 'ImportedHashError';
  }
}

/** The error for a text that begins like a known scheme and does not go on like it. */
export function malformed(message: string): ImportedHashError {
  return new ImportedHashError('malformed', message);
}

/** Throws `cost_too_high` above the cap; NaN and Infinity are above every cap. */
export function capCost(name: string, cost: number, cap: number): void {
  if (!(cost <= cap)) throw new ImportedHashError('cost_too_high', `${name} may be at most ${cap}`);
}

/** A shorter hash could be hit by chance or was cut off; no scheme here gives a longer one. */
const HASH_BYTES = [16, 64] as const;

/** Gives the hash back, or throws `malformed`: empty, cut off, or longer than any scheme makes it. */
export function checkHashLength(hash: Buffer): Buffer {
  return checkLength('The hash', hash, ...HASH_BYTES);
}

/** Gives the salt back, or throws `malformed`: shorter than `min` or longer than 128 bytes. */
export function checkSaltLength(salt: Buffer, min = 1): Buffer {
  return checkLength('The salt', salt, min, 128);
}

function checkLength(name: string, bytes: Buffer, min: number, max: number): Buffer {
  if (bytes.length < min || bytes.length > max) throw malformed(`${name} has to have ${min} to ${max} bytes`);
  return bytes;
}

/** Base64 with or without padding, also passlib's alphabet with `.` for `+`. Stray bits at the end are refused. */
export function fromBase64(text: string): Buffer {
  const plain = text.replace(/={1,2}$/, '').replaceAll('.', '+');
  const bytes = Buffer.from(plain, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== plain) throw malformed('Salt or hash is not base64');
  return bytes;
}

/** A salt that stands in the notation as it is. */
export function fromText(text: string): Buffer {
  return Buffer.from(text);
}

export function fromHex(text: string): Buffer {
  if (!/^(?:[0-9a-f]{2})+$/i.test(text)) throw malformed('The hash is not hexadecimal');
  return Buffer.from(text, 'hex');
}
