import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecretKey } from '../../config/env.js';

/**
 * The key that development generates in the data folder, made at the first start. Production has SECRET_KEYS: all
 * instances need the same ones, and a key beside the data that it encrypts protects nothing.
 */
export function generatedSecretKeys(dataDir: string): SecretKey[] {
  const file = join(dataDir, 'secret-keys');
  mkdirSync(dataDir, { recursive: true });
  if (!existsSync(file)) {
    const draft = `${file}.${randomBytes(6).toString('hex')}`;
    writeFileSync(draft, `local:${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    try {
      // A link fails where the file exists: of two starts at once, one gives the key, and nobody reads half of one.
      linkSync(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      unlinkSync(draft);
    }
  }
  return readFileSync(file, 'utf8')
    .trim()
    .split(',')
    .map((item) => {
      const [id = '', key = ''] = item.split(/:(.*)/s);
      return { id, key: Buffer.from(key, 'base64') };
    });
}
