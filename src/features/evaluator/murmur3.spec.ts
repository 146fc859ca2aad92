import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashAfter, hashState } from './murmur3.js';

describe('F6 murmur3 x86_32', () => {
  // From https://stackoverflow.com/a/31929528 by Ian Boyd, who made them with Appleby's code.
  it.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['\0\0\0\0', 0, 0x2362f9de],
    ['\0\0\0', 0, 0x85f0b427],
    ['\0\0', 0, 0x30f4c306],
    ['\0', 0, 0x514e28b7],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['aa', 0x9747b28c, 0x5d211726],
    ['a', 0x9747b28c, 0x7fa09ea6],
    ['abcd', 0x9747b28c, 0xf0478627],
    ['abc', 0x9747b28c, 0xc84a62dd],
    ['ab', 0x9747b28c, 0x74875592],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['ππππππππ', 0x9747b28c, 0xd58063c1],
    ['a'.repeat(256), 0x9747b28c, 0x37405bdc],
    ['abc', 0, 0xb3dd93fa],
    ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', 0, 0xee925b90],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ])('of %j with the seed %i', (text, seed, hash) => {
    expect(hashAfter(hashState('', seed), text)).toBe(hash);
  });

  it('is the same wherever the kept beginning ends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), fc.integer(), (a, b, seed) => {
        expect(hashAfter(hashState(a, seed), b)).toBe(hashAfter(hashState('', seed), a + b));
      }),
      { seed: 1 },
    );
  });

  it('takes a lone surrogate for U+FFFD, as UTF-8 is written', () => {
    expect(hashAfter(hashState(''), 'a\ud800b')).toBe(hashAfter(hashState(''), 'a\ufffdb'));
  });
});
