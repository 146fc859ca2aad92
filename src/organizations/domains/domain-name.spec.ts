import { describe, expect, it } from 'vitest';
import { Problem } from '../../kernel/problem.js';
import { readDomain, recordName } from './domain-name.js';

function refusalOf(domain: string): string | undefined {
  try {
    readDomain(domain);
  } catch (error) {
    if (error instanceof Problem) return error.errors?.[0]?.code;
    throw error;
  }
  return undefined;
}

const LONG = `${Array.from({ length: 4 }, () => 'a'.repeat(57)).join('.')}.com`;

describe('O5 names of domains', () => {
  it.each([
    ['example.com', 'example.com'],
    ['  Example.COM. ', 'example.com'],
    ['sub.example.com', 'sub.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['bu\u0308cher.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['ｅｘａｍｐｌｅ．com', 'example.com'],
    ['example。com', 'example.com'],
    ['faß.de', 'xn--fa-hia.de'],
    ['acme.github.io', 'acme.github.io'],
    ['acme.test', 'acme.test'],
    ['пример.рф', 'xn--e1afmkfd.xn--p1ai'],
    ['сор.рф', 'xn--n1aeb.xn--p1ai'],
    ['παράδειγμα.gr', 'xn--hxajbheg2az3al.gr'],
    ['東京タワーtower.jp', 'xn--tower-lr4dmmodv073ay09b.jp'],
    ['1und1.de', '1und1.de'],
    [LONG, LONG],
  ])('%j is %j', (typed, domain) => {
    expect(readDomain(typed)).toBe(domain);
    expect(recordName(domain).length).toBeLessThanOrEqual(253);
  });

  it.each([
    '',
    '.',
    'com',
    'localhost',
    'example..com',
    'example.com..',
    '.example.com',
    '-a.com',
    'a-.com',
    'ab--cd.com',
    'a_b.com',
    '*.example.com',
    'a b.com',
    'a\0b.com',
    'a\ud800b.com',
    'a\u00adb.com',
    'exam\u200bple.com',
    'exa%6dple.com',
    'https://example.com',
    'example.com/path',
    'example.com:443',
    'user@example.com',
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '1.2.3.4.',
    '::1',
    '[::1]',
    'example.1',
    '☃.com',
    'xn--n3h.com',
    'xn--.com',
    'xn--a.com',
    'xn--example-.com',
    `${'a'.repeat(64)}.com`,
  ])('%j is none', (typed) => {
    expect(refusalOf(typed)).toBe('domain_invalid');
  });

  it('leaves room for the name of the record', () => {
    expect(refusalOf(`aaaaa.${LONG}`)).toBe('domain_too_long');
  });

  it.each([
    'a.localhost',
    'printer.local',
    'a.invalid',
    'x.onion',
    'intra.internal',
    'a.alt',
    '1.168.192.in-addr.arpa',
  ])('%s belongs to nobody', (typed) => {
    expect(refusalOf(typed)).toBe('domain_special_use');
  });

  it.each([
    'co.uk',
    'CO.UK.',
    'github.io',
    'blogspot.com',
    'kawasaki.jp',
    'foo.kawasaki.jp',
    '公司.cn',
    'xn--55qx5d.cn',
  ])('case 31: %s is a public suffix', (typed) => {
    expect(refusalOf(typed)).toBe('domain_public_suffix');
  });

  it.each([
    ['аpple.com', 'Cyrillic а'],
    ['xn--pple-43d.com', 'the same as A-label'],
    ['exαmple.com', 'Greek α'],
    ['exaмple.com', 'Cyrillic м'],
    ['www.gооgle.com', 'Cyrillic о, twice'],
    ['ԁіѕсоrd.com', 'one Latin letter'],
    ['カタkaнa.jp', 'Cyrillic in Japanese'],
  ])('case 31: %s is a twin (%s)', (typed) => {
    expect(refusalOf(typed)).toBe('domain_mixed_scripts');
  });

  it.each(['аррӏе.com', 'xn--80ak6aa92e.com', 'login.раураӏ.com', 'ορτικα.com'])(
    'case 31: %s is a twin in one script',
    (typed) => {
      expect(refusalOf(typed)).toBe('domain_looks_latin');
    },
  );
});
