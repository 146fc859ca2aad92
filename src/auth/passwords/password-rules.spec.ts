import { dictionary } from '@zxcvbn-ts/language-common';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkPassword } from './password-rules.js';

const ADA = { email: 'ada.byron-king42@example.com', fullName: 'Augusta Ada King, Straße' };
const codes = (password: string, minLength = 15, identity = ADA): string[] =>
  checkPassword(password, { minLength, identity }).map(({ code }) => code);

describe('A5 length', () => {
  it.each([
    ['14 characters', 'vq8 zumt lr3xk', ['password_too_short']],
    ['15 characters', 'vq8 zumt lr3xkw', []],
    ['14 emoji, 28 UTF-16 units', '🐙🦀🌋🧭🎻🛶🪁🧀🗿🪐🧿🪕🦜🍋', ['password_too_short']],
    ['15 emoji', '🐙🦀🌋🧭🎻🛶🪁🧀🗿🪐🧿🪕🦜🍋🧶', []],
    ['14 letters that decompose into 28', 'äöüéèâôîûçñåøÿ'.normalize('NFD'), ['password_too_short']],
    ['nothing', '', ['password_too_short']],
  ])('%s', (_, password, expected) => {
    expect(codes(password)).toEqual(expected);
  });

  it('256 characters may be, 257 not', () => {
    const long = Array.from({ length: 64 }, (_, i) => `${i.toString(36)}é🐙~`.slice(-5)).join('');
    const of = (length: number): string => [...long.repeat(2)].slice(0, length).join('').normalize('NFD');
    expect(codes(of(256))).toEqual([]);
    expect(codes(of(257))).toEqual(['password_too_long']);
    expect(codes('x'.repeat(2 ** 20))).toEqual(['password_too_long']);
  });

  it('takes the minimum that it is told', () => {
    expect(codes('vq8 zumt', 8)).toEqual([]);
    expect(codes('vq8 zum', 8)).toEqual(['password_too_short']);
  });

  it('asks for no kinds of characters', () => {
    expect(codes('sleepy otters juggle')).toEqual([]);
    expect(codes('лошадь батарея скоба')).toEqual([]);
    expect(codes('903718254406971')).toEqual([]);
    expect(codes('               x y z w q')).not.toContain('password_too_short');
  });
});

describe('A5 blocklist', () => {
  it.each([
    'passwordpassword',
    'PasswordPassword',
    'password password',
    'password-password1!',
    'passwordpasswordpass',
    'password12345678',
    'password19871204',
    '00000000password',
    'P@ssw0rd12345678',
    'p4$$w0rdp4$$w0rd',
    'letmeinletmeinletmein',
    'iloveyouiloveyou1',
    'TenonTenon2026!',
    'tenon-password-1',
    'welcome2tenon2026',
    'adminadminadmin1',
    'changeme12345678',
    'monkeydragon1234',
    'superman-superman',
    'Winter2026Winter',
    'Summer2024!Summer2024!',
    'aaaaaaaaaaaaaaa',
    '               ',
    '🐙'.repeat(15),
    '111111111111111',
    '123451234512345',
    'abcabcabcabcabc',
    'x7Kqx7Kqx7Kqx7Kq',
    'aaaaaaaabbbbbbbb',
    'abcdefghijklmnop',
    'zyxwvutsrqponml',
    '1234567890123456',
    '98765432109876543',
    'qwertyuiopasdfg',
    'poiuytrewqlkjhg',
    'qwertzuiopasdfg',
    'azertyuiopqsdfg',
    '1qaz2wsx3edc4rfv',
    '1q2w3e4r5t6y7u8i',
    'qazwsxedcrfvtgb',
    '!@#$%^&*()!@#$%',
    'qwertyuiop12345',
  ])('refuses %s', (password) => {
    expect(codes(password)).toEqual(['password_too_common']);
  });

  it.each(['password', 'trustno1', '12345678', 'Dragon12', 'tenon123'])('refuses %s where 8 are enough', (password) => {
    expect(codes(password, 8)).toEqual(['password_too_common']);
  });

  it('gives its reason, and no part of the password', () => {
    const message = (password: string): string | undefined =>
      checkPassword(password, { minLength: 8, identity: ADA })[0]?.message;
    expect(message('trustno1')).toBe('This is one of the most common passwords');
    expect(message('trustno1trustno1')).toBe('This password repeats one short or common piece');
    expect(message('trustno1234567890')).toBe(
      'This password is little more than common words, sequences or rows of the keyboard',
    );
  });

  it.each([
    'monkey dragon master 7',
    'correct horse battery staple',
    'my dragon eats 4 passwords',
    'Password rules are tedious',
    'dragon903718254406971',
    'qwerty is where the row begins',
  ])('takes %s', (password) => {
    expect(codes(password)).toEqual([]);
  });

  it('looks at 256 characters of any kind without getting slow', () => {
    for (const hard of ['1q2w3e4r', 'passwor', 'ab', '🐙ü1'])
      expect(() => codes(`~${hard.repeat(36)}`.slice(0, 256))).not.toThrow();
  });
});

describe('A5 random passwords are never refused', () => {
  /** Numbers below `limit`, the same in every run. */
  function randomness(seed: string): (limit: number) => number {
    let count = 0;
    return (limit) =>
      createHash('sha256')
        .update(`${seed} ${(count += 1)}`)
        .digest()
        .readUIntBE(0, 6) % limit;
  }
  const words = dictionary['diceware-common'];

  it.each([' ', '-', '.', ''])('400 of four to six words with "%s" between', (separator) => {
    const below = randomness(`words${separator}`);
    for (let i = 0; i < 400; i += 1) {
      const phrase = Array.from({ length: 4 + (i % 3) }, () => words[below(words.length)]).join(separator);
      if ([...phrase].length >= 15) expect([phrase, codes(phrase)]).toEqual([phrase, []]);
    }
  });

  it.each([
    ['lower case', 15, 'abcdefghijklmnopqrstuvwxyz'],
    ['base62', 15, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'],
    ['base62 of 8', 8, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'],
    ['hexadecimal', 16, '0123456789abcdef'],
    ['digits', 15, '0123456789'],
    ['printable', 15, Array.from({ length: 95 }, (_, i) => String.fromCodePoint(32 + i)).join('')],
  ])('400 of %s', (name, length, alphabet) => {
    const below = randomness(name);
    for (let i = 0; i < 400; i += 1) {
      const password = Array.from({ length }, () => alphabet[below(alphabet.length)]).join('');
      expect([password, codes(password, length)]).toEqual([password, []]);
    }
  });
});

describe('A5 identity', () => {
  it.each([
    ['a piece of the name', 'the wise augusta speaks'],
    ['in another case', 'the wise AUGUSTA speaks'],
    ['in full-width letters', 'the wise ａｕｇｕｓｔａ speaks'],
    ['with ß as ss', 'down the STRASSE we go'],
    ['a piece of the local part', 'lord byron writes on'],
    ['in the middle of a word', 'xkbyronqzvwmtlpr'],
  ])('refuses %s', (_, password) => {
    expect(codes(password)).toEqual(['password_contains_identity']);
  });

  it.each([
    ['pieces of fewer than five characters', 'ada and the king dine'],
    ['the domain', 'an example of my own'],
    ['what is split by something else', 'aug-usta by-ron sail'],
  ])('takes %s', (_, password) => {
    expect(codes(password)).toEqual([]);
  });

  it('takes off the digits of a local part', () => {
    const identity = { email: 'lovelace1815@example.com', fullName: '' };
    expect(codes('lovelace juggles otters', 15, identity)).toEqual(['password_contains_identity']);
    expect(codes('juggling 1815 otters', 15, identity)).toEqual([]);
  });

  it('refuses the whole address, however short its parts are', () => {
    const identity = { email: 'bob@example.com', fullName: 'Bob' };
    expect(codes('Bob@Example.com1', 15, identity)).toEqual(['password_contains_identity']);
  });

  it('counts code points: five letters beyond the BMP are five', () => {
    const identity = { email: 'a@example.com', fullName: '𐐀𐐁𐐂𐐃 𐐄𐐅𐐆𐐇𐐈' };
    expect(codes('otters 𐐀𐐁𐐂𐐃 juggling', 15, identity)).toEqual([]);
    expect(codes('otters 𐐄𐐅𐐆𐐇𐐈 juggling', 15, identity)).toEqual(['password_contains_identity']);
  });

  it('names everything that is wrong', () => {
    expect(codes('byron zq8vu')).toEqual(['password_too_short', 'password_contains_identity']);
    expect(codes('password')).toEqual(['password_too_short', 'password_too_common']);
  });
});
