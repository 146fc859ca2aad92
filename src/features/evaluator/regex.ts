const POSIX: Record<string, string> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  punct: '!-\\/:-@\\[-`{-~',
  word: '\\w',
  xdigit: '0-9A-Fa-f',
};

/**
 * A regular expression of RE2, which Unleash uses, as one of ours; null where it is none, so that it matches nothing.
 * Look-arounds and back-references are refused as RE2 refuses them. `(?i)` in the middle holds for all of it here.
 */
export function regex(source: string, caseInsensitive: boolean): RegExp | null {
  if (/\(\?<?[=!]|\\[1-9]|\\k</.test(source)) return null;
  let flags = caseInsensitive ? 'i' : '';
  const pattern = source
    .replaceAll(/\(\?([ims]+)\)/g, (_, found: string) => {
      flags += found;
      return '';
    })
    .replaceAll(/\[:(\w+):\]/g, (whole, name: string) => POSIX[name] ?? whole);
  try {
    return new RegExp(pattern, [...new Set(flags)].join(''));
  } catch {
    return null;
  }
}
