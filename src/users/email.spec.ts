import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { IsEmailAddress, normalizeEmail } from './email.js';

describe('case 19: one account for one mailbox', () => {
  it.each([
    ['another case', 'ADA.Lovelace@Example.COM', 'ada.lovelace@example.com'],
    ['space around it', '  ada@example.com\n', 'ada@example.com'],
    ['a trailing dot of the domain', 'ada@example.com.', 'ada@example.com'],
    ['full-width letters', 'ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ', 'ada@example.com'],
    ['a ligature', 'o\uFB03ce@example.com', 'office@example.com'],
    ['the Kelvin sign', '\u212Aelvin@example.com', 'kelvin@example.com'],
    ['decomposed letters', 'jo\u0308rg@bu\u0308cher.example', 'jörg@xn--bcher-kva.example'],
    ['an IDN', 'ada@Bücher.example', 'ada@xn--bcher-kva.example'],
    ['an IDN in ASCII', 'ada@XN--BCHER-KVA.example', 'ada@xn--bcher-kva.example'],
    ['an ideographic full stop', 'ada@例え。テスト', 'ada@xn--r8jz45g.xn--zckzah'],
    ['a half-width one', 'ada@例え｡テスト', 'ada@xn--r8jz45g.xn--zckzah'],
  ])('%s', (_, typed, email) => {
    expect(normalizeEmail(typed)).toBe(email);
  });

  it.each([
    ["o'brien+news@sub.example.co.uk"],
    ['a@b.example'],
    ['ada_l!#$%&*/=?^`{|}~-@example.com'],
    [`${'a'.repeat(64)}@example.com`],
    ['ada@123.example'],
    ['ada@example.xn--p1ai'],
  ])('leaves %s as it is', (email) => {
    expect(normalizeEmail(email)).toBe(email);
  });

  it('spells its own answer the same again', () => {
    for (const typed of [
      'İnci@example.com',
      'ΣΊΣΥΦΟΣ@example.com',
      'ǅ@Straße.example',
      'ẞ@example.com',
      'ﬀ@ﬀ.example',
    ]) {
      const email = normalizeEmail(typed);
      expect(email).not.toBeNull();
      expect(normalizeEmail(email!)).toBe(email);
    }
  });
});

describe('case 19: what is no address', () => {
  it.each([
    ['nothing', ''],
    ['no @', 'example.com'],
    ['two @', 'ada@evil.example@example.com'],
    ['two @, one of them full-width', 'ada＠evil.example@example.com'],
    ['no local part', '@example.com'],
    ['no domain', 'ada@'],
    ['a quoted local part', '"ada lovelace"@example.com'],
    ['a quote', 'ada"@example.com'],
    ['a comment', 'ada(admin)@example.com'],
    ['angle brackets', '<ada@example.com>'],
    ['a second recipient', 'ada@example.com,eve@example.com'],
    ['a space', 'ada lovelace@example.com'],
    ['a line break and a header', 'ada@example.com\r\nBcc: eve@example.com'],
    ['NUL', 'ada\0@example.com'],
    ['a lone surrogate', 'ada\uD800@example.com'],
    ['a zero-width space', 'a\u200Bda@example.com'],
    ['a soft hyphen in the domain', 'ada@exam\u00ADple.com'],
    ['a dot first', '.ada@example.com'],
    ['a dot last', 'ada.@example.com'],
    ['two dots', 'a..da@example.com'],
    ['two dots in the domain', 'ada@example..com'],
    ['two trailing dots', 'ada@example.com..'],
    ['one label', 'ada@localhost'],
    ['an IP address', 'ada@127.0.0.1'],
    ['an IP address in other notations', 'ada@0x7f.1'],
    ['an address literal', 'ada@[127.0.0.1]'],
    ['a hyphen first', 'ada@-example.com'],
    ['a hyphen last', 'ada@example-.com'],
    ['an underscore', 'ada@ex_ample.com'],
    ['a percent code', 'ada@%65xample.com'],
    ['a port', 'ada@example.com:25'],
    ['a path', 'ada@example.com/x'],
    ['a label of 64', `ada@${'a'.repeat(64)}.com`],
    ['a local part of 65 bytes', `${'a'.repeat(65)}@example.com`],
    ['a local part of 66 bytes in 33 letters', `${'ö'.repeat(33)}@example.com`],
    ['255 bytes', `${'a'.repeat(60)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}.info`],
    ['a megabyte', 'a'.repeat(2 ** 20)],
  ])('%s', (_, typed) => {
    expect(normalizeEmail(typed)).toBeNull();
  });

  it('254 bytes are one', () => {
    const email = `${'a'.repeat(60)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}.com`;
    expect(normalizeEmail(email)).toBe(email);
  });
});

describe('case 19: @IsEmailAddress', () => {
  class Request {
    @IsEmailAddress()
    email!: string;
  }
  const read = (email: unknown): Request => plainToInstance(Request, { email });

  it('hands on the one spelling', () => {
    const request = read(' ADA@Bücher.example. ');
    expect(validateSync(request)).toEqual([]);
    expect(request.email).toBe('ada@xn--bcher-kva.example');
  });

  it.each([['ada'], [42], [null], [undefined], [['ada@example.com']], [{ $ne: null }]])('refuses %j', (email) => {
    expect(validateSync(read(email))).toMatchObject([
      { property: 'email', constraints: { isEmailAddress: 'email has to be an e-mail address' } },
    ]);
  });
});
