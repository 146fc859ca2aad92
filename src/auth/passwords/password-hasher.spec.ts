import { describe, expect, it } from 'vitest';
import { Problem } from '../../kernel/problem.js';
import { HASHES_AT_ONCE } from './hashing-pool.js';
import { PasswordHasher } from './password-hasher.js';

const hasher = new PasswordHasher();

/** Of "password" and "somesalt"; one round, so that it costs nothing. From Python's hashlib. */
const CHEAP = 'pbkdf2_sha256$1$somesalt$e5Q8UMuf4MC/ZUxBfi33FyuFUQbEbH5CmGc6rabwXyM=';

describe('A3 password hasher', () => {
  it('hashes with Argon2id, 19 MiB, two passes, one lane, another salt each time', async () => {
    const [one, two] = await Promise.all([hasher.hash('open sesame'), hasher.hash('open sesame')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(two).not.toBe(one);
    expect(await hasher.verify(one, 'open sesame')).toEqual({ valid: true, rehash: false });
    expect(await hasher.verify(one, 'open Sesame')).toEqual({ valid: false, rehash: false });
  });

  it('takes composed and decomposed letters as the same password', async () => {
    const stored = await hasher.hash('Zoe\u0308 öffnet');
    expect(await hasher.verify(stored, 'Zo\u00EB o\u0308ffnet')).toMatchObject({ valid: true });
  });

  it('reads a password whole: bytes after 72, NUL', async () => {
    const stored = await hasher.hash(`${'x'.repeat(72)}y\0z`);
    expect(await hasher.verify(stored, `${'x'.repeat(72)}y\0z`)).toMatchObject({ valid: true });
    expect(await hasher.verify(stored, `${'x'.repeat(72)}y\0`)).toMatchObject({ valid: false });
    expect(await hasher.verify(stored, 'x'.repeat(72))).toMatchObject({ valid: false });
  });

  it('asks for a new hash where the stored one is not of today’s parameters, after the right password only', async () => {
    expect(await hasher.verify(CHEAP, 'password')).toEqual({ valid: true, rehash: true });
    expect(await hasher.verify(CHEAP, 'Password')).toEqual({ valid: false, rehash: false });
  });

  it('the decoy is never valid', async () => {
    expect(await hasher.verifyDecoy('open sesame')).toEqual({ valid: false, rehash: false });
    expect(await hasher.verifyDecoy('')).toEqual({ valid: false, rehash: false });
  });

  it('503 when more than 200 wait, and every one that was let in is answered', async () => {
    const room = HASHES_AT_ONCE + 200;
    const results = await Promise.allSettled(Array.from({ length: room + 5 }, () => hasher.verify(CHEAP, 'password')));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(5);
    for (const { reason } of refused) {
      expect(reason).toBeInstanceOf(Problem);
      expect(reason).toMatchObject({ code: 'service_unavailable', status: 503, headers: { 'Retry-After': '2' } });
    }
    expect(results.filter((result) => result.status === 'fulfilled' && result.value.valid)).toHaveLength(room);
  });

  it('a stored text that is no hash is an error, not a wrong password', async () => {
    await expect(hasher.verify('', 'password')).rejects.toMatchObject({ code: 'unknown_scheme' });
  });
});
