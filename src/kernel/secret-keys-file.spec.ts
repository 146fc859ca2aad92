import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generatedSecretKeys } from './secret-keys-file.js';

describe('generatedSecretKeys', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'tenon-keys-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('makes a key of 32 bytes once, for its owner alone, and leaves nothing beside it', () => {
    const [first] = generatedSecretKeys(dataDir);
    expect(first).toMatchObject({ id: 'local' });
    expect(first!.key).toHaveLength(32);
    expect(generatedSecretKeys(dataDir)).toEqual([first]);
    expect(statSync(join(dataDir, 'secret-keys')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir)).toEqual(['secret-keys']);
  });
});
