import { Injectable } from '@nestjs/common';
import { hash } from '@node-rs/argon2';
import { randomBytes } from 'node:crypto';
import { HASHES_AT_ONCE, HashingPool } from './hashing-pool.js';
import { parseImportedHash } from './imported-hashes.js';

/**
 * Argon2id with 19 MiB, two passes, one lane: OWASP Password Storage Cheat Sheet, 16 ms a hash on the machine it was
 * measured on. `algorithm: 2` is Argon2id; the package's const enum cannot be used with `isolatedModules`.
 */
const PARAMETERS = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const CURRENT = '$argon2id$v=19$m=19456,t=2,p=1$';

/** How many may wait for a core before a caller is told to come back. */
const MAX_WAITING = 200;

/** What a check found. `rehash`: the password was right, but its stored hash is not of today's parameters. */
export interface PasswordCheck {
  valid: boolean;
  rehash: boolean;
}

/**
 * Hashes and checks passwords, so many at once that no core is idle. Passwords are taken in NFC, so that the same
 * characters typed on another system are the same password (NIST SP 800-63B-4, 3.1.1.2). Every method throws
 * `service_unavailable` when too many already wait.
 */
@Injectable()
export class PasswordHasher {
  private readonly pool = new HashingPool(HASHES_AT_ONCE, MAX_WAITING);
  /** Any salt and any hash will do: nobody knows the password, and no start waits for one to be hashed. */
  private readonly decoy = `${CURRENT}${randomText(16)}$${randomText(32)}`;

  /** The hash to store, as a PHC string. */
  async hash(password: string): Promise<string> {
    return this.pool.run(() => hash(password.normalize('NFC'), PARAMETERS));
  }

  /**
   * Checks a password against a stored hash, ours or an imported one (see {@link parseImportedHash} for the schemes;
   * its error for anything else).
   */
  async verify(stored: string, password: string): Promise<PasswordCheck> {
    const known = parseImportedHash(stored);
    const valid = await this.pool.run(() => known.verify(password.normalize('NFC')));
    return { valid, rehash: valid && !stored.startsWith(CURRENT) };
  }

  /**
   * For an account that does not exist or has no password: the work of {@link verify}, never valid.
   * @param decoy a stored hash of somebody else, whose scheme and cost it takes; one of ours where there is none.
   */
  async verifyDecoy(password: string, decoy: string = this.decoy): Promise<PasswordCheck> {
    await this.verify(decoy, password);
    return { valid: false, rehash: false };
  }
}

/** So many random bytes in base64 without padding, as PHC strings have it. */
function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64').replaceAll('=', '');
}
