import { describe, expect, it } from 'vitest';
import { bitOf, joined, newSketch, see, type Seen, seenWith, toHex } from './sketch.js';

const PEOPLE = ['ada', 'grace', 'alan', 'barbara'];
const all = (people: readonly string[]): Seen =>
  people.map(bitOf).reduce<Seen>((seen, bit) => seenWith(seen, bit), null);
/** As a sketch that nobody has to grow. */
const drawn = (people: readonly string[]): string | null => {
  const sketch = newSketch();
  for (const person of people) see(sketch, bitOf(person));
  return toHex(sketch);
};

describe('F13 who was seen', () => {
  it('is nobody, one by their bit, and more by their sketch', () => {
    expect(all([])).toBeNull();
    expect(toHex(all([]))).toBeNull();
    expect(all(['ada'])).toBe(bitOf('ada'));
    expect(all(['ada', 'ada'])).toBe(bitOf('ada'));
    expect(all(['ada', 'grace'])).toBeInstanceOf(Uint32Array);
    expect(seenWith(all(['ada']), bitOf(null))).toBe(bitOf('ada'));
  });

  it('is written as a sketch of the same people, however they came together', () => {
    for (let first = 0; first <= PEOPLE.length; first += 1)
      for (let last = 0; last <= PEOPLE.length; last += 1) {
        const [some, others] = [PEOPLE.slice(0, first), PEOPLE.slice(last)];
        expect(toHex(joined(all(some), all(others))), `${some.join()} and ${others.join()}`).toBe(
          drawn([...some, ...others]),
        );
      }
  });
});
