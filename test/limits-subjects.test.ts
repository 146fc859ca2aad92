import { describe, expect, it } from 'vitest';
import { mailboxOf, networkOf } from '../src/limits/limit-subject.js';
import { normalizeEmail } from '../src/users/email.js';

describe('P5 subjects', () => {
  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['2001:db8:1:2::1', '2001:DB8:1:2:0::2%eth0'],
    ['203.0.113.7', '::ffff:203.0.113.7'],
  ])('%s and %s count as one', (one, other) => {
    expect(networkOf(other)).toBe(networkOf(one));
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['203.0.113.7', '203.0.113.8'],
  ])('%s and %s count apart', (one, other) => {
    expect(networkOf(other)).not.toBe(networkOf(one));
  });

  it.each([
    'Ada@Example.COM',
    ' ada@example.com ',
    'ada@example.com.',
    'ａｄａ@example.com',
    'ada@ｅxample。com',
    'JÖRG@Bücher.example',
    'jo\u0308rg@xn--bcher-kva.example',
    'İnci@example.com',
  ])('case 19: "%s" is the mailbox that the account has', (typed) => {
    expect(mailboxOf(typed)).toBe(normalizeEmail(typed));
  });

  it.each([
    [undefined],
    [null],
    [7],
    [['ada@example.com']],
    [{ $ne: '' }],
    [''],
    ['ada'],
    ['a@b@c'],
    ['x'.repeat(2 ** 20)],
  ])('%j is no mailbox', (value) => {
    expect(mailboxOf(value)).toBeNull();
  });
});
