import { describe, expect, it } from 'vitest';
import { readForwardedFor } from './forwarded-for.js';

describe('case 9: X-Forwarded-For', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8::7, 10.0.0.1', '2001:db8::7, 10.0.0.1'],
    ['203.0.113.7:52100', '203.0.113.7'],
    ['[2001:db8::7]:52100,[2001:db8::8]', '2001:db8::7, 2001:db8::8'],
    // Left of what is no address stands what anybody can have written.
    ['198.51.100.1, unknown, 203.0.113.7', '203.0.113.7'],
    ['198.51.100.1, unknown', undefined],
    ['https://evil.example/click', undefined],
    ['fe80::1%eth0', undefined],
    ['203.0.113.7:99999999', undefined],
    ['', undefined],
    [',', undefined],
  ])('of "%s" believes %s', (header, believed) => {
    expect(readForwardedFor(header)).toBe(believed);
  });
});
