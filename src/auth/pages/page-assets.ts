import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const read = (name: string): string => readFileSync(new URL(`static/${name}`, import.meta.url), 'utf8');

/** The script of the pages. */
export const script = read('pages.js');
/** Their style sheet. */
export const styles = read('pages.css');
/** Changes with either of them. */
export const assetsVersion = createHash('sha256').update(script).update(styles).digest('base64url').slice(0, 12);

/**
 * How long an asset may be kept: for good under its version. While instances of two versions run, a page of the one may
 * ask the other; that answer must not be kept under a version that it is not.
 */
export function assetCaching(asked: unknown): string {
  return asked === assetsVersion ? 'public, max-age=31536000, immutable' : 'no-store';
}
