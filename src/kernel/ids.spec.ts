import { describe, expect, it } from 'vitest';
import { newRequestId, timeOfId } from './ids.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('P3 an id of a request', () => {
  it('is a UUIDv7 of now, and no other', () => {
    const before = Date.now();
    const ids = Array.from({ length: 20_000 }, newRequestId);
    const after = Date.now();
    expect(ids.filter((id) => !UUID_V7.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    const times = ids.map((id) => timeOfId(id)!);
    expect(times.filter((time) => time < before || time > after)).toEqual([]);
  });

  it('has every bit that is random in both states', () => {
    const bits = Array.from({ length: 2_000 }, () => BigInt(`0x${newRequestId().replaceAll('-', '').slice(12)}`));
    const random = (1n << 80n) - 1n - (0xfn << 76n) - (0x3n << 62n);
    expect(bits.reduce((all, one) => all | one) & random).toBe(random);
    expect(bits.reduce((all, one) => all & one) & random).toBe(0n);
  });
});
