import { describe, expect, it } from 'vitest';
import { IpRanges, readRange } from './ip-ranges.js';

describe('O7 ranges of addresses', () => {
  it.each([
    ['203.0.113.0/24', '203.0.113.0/24'],
    ['203.0.113.7', '203.0.113.7/32'],
    ['203.0.113.7/32', '203.0.113.7/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255', '255.255.255.255/32'],
    ['2001:DB8:0:0::/32', '2001:db8::/32'],
    ['2001:db8::1', '2001:db8::1/128'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'],
    ['::', '::/128'],
    ['::/0', '::/0'],
    ['::1.2.3.4', '::102:304/128'],
    ['fe80::/10', 'fe80::/10'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'],
    // IPv4 has one spelling.
    ['::ffff:203.0.113.7', '203.0.113.7/32'],
    ['::FFFF:cb00:7100/120', '203.0.113.0/24'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
    // Wider than IPv4 is IPv6.
    ['::/95', '::/95'],
  ])('%s is %s, which reads as itself', (text, range) => {
    expect(readRange(text)).toEqual({ range });
    expect(readRange(range)).toEqual({ range });
  });

  it.each([
    ['203.0.113.77/24', '203.0.113.0/24'],
    ['203.0.113.77/2', '192.0.0.0/2'],
    ['10.0.0.1/0', '0.0.0.0/0'],
    ['2001:db8::1/64', '2001:db8::/64'],
    ['::ffff:203.0.113.77/120', '203.0.113.0/24'],
    ['::1/0', '::/0'],
  ])('%s is refused, with %s as what may have been meant', (text, meant) => {
    expect(readRange(text)).toEqual({ fault: expect.stringContaining(` ${meant}`) });
  });

  it.each([
    '',
    ' ',
    '/',
    '/24',
    '203.0.113.0/',
    '203.0.113.0/33',
    '203.0.113.0/024',
    '203.0.113.0/+24',
    '203.0.113.0/-1',
    '203.0.113.0/2e1',
    '203.0.113.0/24/8',
    '203.0.113.0/255.255.255.0',
    ' 203.0.113.0/24',
    '203.0.113.0/24\n',
    '203.0.113.0 /24',
    '203.0.113',
    '203.0.113.0.1',
    '203.0.113.256',
    '203.0.113.07',
    '0xcb.0.113.7',
    '3405803783',
    '２０３.0.113.7',
    '203.0.113.*',
    '203.0.113.1-9',
    'example.com',
    'localhost',
    'loopback',
    '[2001:db8::1]',
    '2001:db8::1/129',
    '2001:db8',
    '2001:db8:::1',
    '1::2::3',
    'fe80::1%eth0',
    'fe80::%eth0/10',
    '::ffff:203.0.113.7/129',
    '*',
    '__proto__',
    "1.2.3.4'; drop table users",
  ])('%j is refused', (text) => {
    expect(readRange(text)).toEqual({ fault: expect.any(String) });
  });

  it('hold the addresses of their networks, and no others', () => {
    const ranges = new IpRanges(['203.0.113.0/24', '198.51.100.7/32', '2001:db8::/32', 'fe80::/10']);
    for (const ip of ['203.0.113.0', '203.0.113.255', '198.51.100.7', '2001:db8::', '2001:DB8:ffff::1', 'fe80::1%eth0'])
      expect(ranges.includes(ip), ip).toBe(true);
    for (const ip of ['203.0.112.255', '203.0.114.0', '198.51.100.8', '2001:db7::1', '2001:db9::', '::1', '127.0.0.1'])
      expect(ranges.includes(ip), ip).toBe(false);
  });

  it('know IPv4 in the notation of IPv6, in every spelling', () => {
    const ranges = new IpRanges(['203.0.113.0/24']);
    for (const ip of ['::ffff:203.0.113.7', '::FFFF:203.0.113.7', '::ffff:cb00:7107', '0:0:0:0:0:ffff:cb00:7107'])
      expect(ranges.includes(ip), ip).toBe(true);
    // These look like it.
    for (const ip of ['::203.0.113.7', '::fffe:203.0.113.7', '64:ff9b::203.0.113.7', '2002:cb00:7107::'])
      expect(ranges.includes(ip), ip).toBe(false);
    expect(new IpRanges(['::ffff:203.0.113.0/120']).includes('203.0.113.7')).toBe(true);
  });

  it('of one family open nothing of the other, however wide', () => {
    for (const wide of ['::/0', '::/64', '::/80', '::/95']) {
      expect(new IpRanges([wide]).includes('203.0.113.7'), wide).toBe(false);
      expect(new IpRanges([wide]).includes('::ffff:203.0.113.7'), wide).toBe(false);
    }
    expect(new IpRanges(['::/0']).includes('2001:db8::1')).toBe(true);
    expect(new IpRanges(['0.0.0.0/0']).includes('2001:db8::1')).toBe(false);
    expect(new IpRanges(['0.0.0.0/0']).includes('203.0.113.7')).toBe(true);
  });

  it('that cannot be read open nothing, and spoil nothing', () => {
    const hostile = ['', 'anything', '0.0.0.0/-1', '0.0.0.0/99', '10.0.0.1/0', '::/200', '1.2.3.4/NaN', '%', '\0'];
    expect(new IpRanges(hostile).includes('203.0.113.7')).toBe(false);
    expect(new IpRanges([...hostile, '203.0.113.7/32']).includes('203.0.113.7')).toBe(true);
    expect(new IpRanges([]).includes('203.0.113.7')).toBe(false);
  });

  it('hold nothing that is no address', () => {
    const every = new IpRanges(['0.0.0.0/0', '::/0']);
    for (const ip of ['', 'unknown', '203.0.113.7:80', '[::1]', '203.0.113.7, 10.0.0.1', '203.0.113.0/24'])
      expect(every.includes(ip), ip).toBe(false);
  });
});
