import { parse, type SemVer } from 'semver';

/** A version as semver.org spells it, null if it is none. The library also reads `v1.2.3` and ` 1.2.3`, which are none. */
export function version(text: string): SemVer | null {
  return /^\d\S*$/.test(text) ? parse(text) : null;
}
