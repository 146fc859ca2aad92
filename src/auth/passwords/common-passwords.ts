import { dictionary } from '@zxcvbn-ts/language-common';
import { runLength } from './keyboard-runs.js';

/** Shorter entries occur by chance in random passwords: a 4-letter one in every fortieth of 8 letters. */
const MIN_WORD = 5;

/** The 49,000 most common passwords, in lower case, and the name of this service. */
const WORDS = new Set([...dictionary['passwords-common'].filter((word) => word.length >= MIN_WORD), 'tenon']);
const MAX_WORD = Math.max(...[...WORDS].map((word) => word.length));

/**
 * What a part of a password is worth, in letters that nobody can predict. A common word is one of 49,000, 15.6 bits,
 * where a random letter has 4.7; a run is less. Digits and signs beside a common word are a year, a counter or a `!`.
 */
const WORTH = { word: 3, run: 1, single: 1, padding: 0.5 };

/**
 * A password is refused when it is worth no more than either: a word and five letters, two words and four digits. Three
 * words pass. The share keeps short random passwords free: without words and runs they are worth their whole length.
 */
const TOO_LITTLE = 8;
const TOO_LITTLE_SHARE = 0.6;

/** Substitutions that every cracking tool tries; `1` stands for i or l. */
const LEET = { '@': 'a', '4': 'a', '8': 'b', '3': 'e', '!': 'i', '0': 'o', $: 's', '5': 's', '7': 't' };
const SPELLINGS: Record<string, string>[] = [{}, { ...LEET, '1': 'i' }, { ...LEET, '1': 'l' }];

/**
 * Why a password is among the first that an attacker tries, or undefined. Besides the entries of the list that is what
 * is built of them: one piece repeated, sequences, rows of the keyboard, a common word with digits around it. Those are
 * what people make of a minimum of 15 characters, and no list holds them. The sentence shows no part of the password.
 */
export function explainCommon(password: string): string | undefined {
  if (password === '') return undefined;
  const characters = [...password.toLowerCase()];
  const limit = Math.min(TOO_LITTLE, TOO_LITTLE_SHARE * characters.length);
  if (isWord(spellings(characters))) return 'This is one of the most common passwords';
  const once = withoutRepetition(characters);
  if (once.length < characters.length && worth(once) <= limit) return 'This password repeats one short or common piece';
  return worth(characters) <= limit
    ? 'This password is little more than common words, sequences or rows of the keyboard'
    : undefined;
}

function spellings(characters: string[]): string[][] {
  return SPELLINGS.map((spelling) => characters.map((character) => spelling[character] ?? character));
}

function isWord(spelled: string[][], start = 0, end?: number): boolean {
  return spelled.some((spelling) => WORDS.has(spelling.slice(start, end).join('')));
}

function isLetter(character: string): boolean {
  return /\p{L}/u.test(character);
}

/** The least that the characters are worth, over every way to cut them into words with padding, runs and singles. */
function worth(characters: string[]): number {
  const length = characters.length;
  const spelled = spellings(characters);
  const padding = characters.some(isLetter) ? WORTH.padding : WORTH.single;
  // Each holds at i what the characters from i on are worth: anyhow, right after a word, where padding or a word comes
  // first. Filled from the end.
  const least = Array<number>(length + 1).fill(0);
  const afterWord = Array<number>(length + 1).fill(0);
  const beforeWord = Array<number>(length + 1).fill(Infinity);
  for (let i = length - 1; i >= 0; i -= 1) {
    const isPadding = !isLetter(characters[i]!);
    let withWord = isPadding ? padding + beforeWord[i + 1]! : Infinity;
    for (let end = i + MIN_WORD; end <= Math.min(i + MAX_WORD, length); end += 1) {
      if (isWord(spelled, i, end)) withWord = Math.min(withWord, WORTH.word + afterWord[end]!);
    }
    const run = runLength(characters, i);
    beforeWord[i] = withWord;
    least[i] = Math.min(withWord, WORTH.single + least[i + 1]!, run > 0 ? WORTH.run + least[i + run]! : Infinity);
    afterWord[i] = Math.min(least[i]!, isPadding ? padding + afterWord[i + 1]! : Infinity);
  }
  return least[0]!;
}

/** The characters with a piece that is repeated, apart from digits and signs around it, kept only once. */
function withoutRepetition(characters: string[]): string[] {
  const once = characters.slice(0, period(characters));
  if (once.length < characters.length) return once;
  const start = Math.max(characters.findIndex(isLetter), 0);
  const end = characters.findLastIndex(isLetter) + 1;
  const core = characters.slice(start, end);
  return [...characters.slice(0, start), ...core.slice(0, period(core)), ...characters.slice(end)];
}

/**
 * The length of the piece that the characters repeat at least twice, the last time perhaps in part; their own length
 * if they repeat none. By the prefix function of Knuth, Morris and Pratt.
 */
function period(characters: string[]): number {
  const borders = [0];
  for (let i = 1, border = 0; i < characters.length; i += 1) {
    while (border > 0 && characters[i] !== characters[border]) border = borders[border - 1]!;
    if (characters[i] === characters[border]) border += 1;
    borders.push(border);
  }
  const length = characters.length - borders.at(-1)!;
  return length * 2 <= characters.length ? length : characters.length;
}
