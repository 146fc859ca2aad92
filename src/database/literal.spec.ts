import fc from 'fast-check';
import { escapeLiteral } from 'pg';
import { describe, expect, it } from 'vitest';
import { literal } from './literal.js';

describe('O8 a text in a statement', () => {
  it.each([
    ['', `''`],
    [`'`, `''''`],
    ['\\', ` E'\\\\'`],
    [`\\'; drop table users; --`, ` E'\\\\''; drop table users; --'`],
    ['$& $1 $` $$', `'$& $1 $\` $$'`],
  ])('%j is %s', (text, written) => {
    expect(literal(text)).toBe(written);
  });

  it('is written as pg writes it, whatever it is', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(`'`, '\\', '"', '$', '&', '?', '\n', 'a', 'é', '\ud800') }),
    );
    fc.assert(
      fc.property(texts, (text) => literal(text) === escapeLiteral(text)),
      { numRuns: 2_000 },
    );
  });
});
