/** Shorter ones occur by chance, and in words: `ert`, `was`. */
const MIN_SAME = 3;
const MIN_LINE = 4;

const ROWS = [
  'abcdefghijklmnopqrstuvwxyz',
  '1234567890'.repeat(3),
  '!@#$%^&*()',
  // QWERTY, QWERTZ and AZERTY, along the rows
  'qwertyuiop[]',
  "asdfghjkl;'",
  'zxcvbnm,./',
  'qwertzuiopü',
  'asdfghjklöä',
  'yxcvbnm,.-',
  'azertyuiop',
  'qsdfghjklm',
  'wxcvbn,;:!',
  // down the columns, and to and fro between two rows
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  'qazwsxedcrfvtgbyhnujmik,ol.p;/',
  '1q2w3e4r5t6y7u8i9o0p',
  'qawsedrftgyhujikolp',
];

const LINES = [...ROWS, ...ROWS.map((row) => [...row].toReversed().join(''))];

/**
 * How many characters from `start` on are a run: the same one again (from three on), or the alphabet, the digits
 * (0 follows 9), a row or column of a keyboard, forwards or backwards (from four on). 0 if none. Expects lower case.
 */
export function runLength(characters: string[], start: number): number {
  let same = 1;
  while (start + same < characters.length && characters[start + same] === characters[start]) same += 1;
  let line = 1;
  for (const row of LINES) {
    while (start + line < characters.length && row.includes(characters.slice(start, start + line + 1).join(''))) {
      line += 1;
    }
  }
  return Math.max(same >= MIN_SAME ? same : 0, line >= MIN_LINE ? line : 0);
}
