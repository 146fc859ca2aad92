/** UAX 31, table 5: the scripts in which people write today. Those of one string are used together. */
const SCRIPTS = [
  ['Latin'],
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
  ['Arabic'],
  ['Armenian'],
  ['Bengali'],
  ['Cyrillic'],
  ['Devanagari'],
  ['Ethiopic'],
  ['Georgian'],
  ['Greek'],
  ['Gujarati'],
  ['Gurmukhi'],
  ['Hebrew'],
  ['Kannada'],
  ['Khmer'],
  ['Lao'],
  ['Malayalam'],
  ['Myanmar'],
  ['Oriya'],
  ['Sinhala'],
  ['Tamil'],
  ['Telugu'],
  ['Thaana'],
  ['Thai'],
  ['Tibetan'],
].map((together) => {
  const sets = [...together, 'Common', 'Inherited'].map((script) => `\\p{Script_Extensions=${script}}`);
  return new RegExp(`^[${sets.join('')}]+$`, 'u');
});

/**
 * Whether a label is written in one script, or in those that one language uses together (UTS 39, 5.2, "Highly
 * Restrictive"): Japanese, Chinese and Korean go with Latin, Cyrillic and Greek with nothing.
 * @param label in Unicode.
 */
export function isOfOneScript(label: string): boolean {
  return SCRIPTS.some((script) => script.test(label));
}

/** Cyrillic and Greek letters that readers take for Latin ones; those by which Chromium judges (its IDN policy). */
const LIKE_LATIN = /^(?=.*\p{L})(?:[асԁеһіјӏорԛѕԝхуъьҽпгѵѡ\d-]+|[αικνρυωηοτ\d-]+)$/u;

/** Whether a label of another script could be read as a Latin one as a whole, as `аррӏе` in Cyrillic. */
export function imitatesLatin(label: string): boolean {
  return LIKE_LATIN.test(label);
}
