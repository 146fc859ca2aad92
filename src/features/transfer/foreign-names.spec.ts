import { describe, expect, it } from 'vitest';
import { Keys, toKey } from './foreign-names.js';
import type { NotCarriedOver } from './import-source.js';

describe('F15 names of other systems', () => {
  it.each([
    ['big-flag', 'big-flag'],
    // Its own key, which may end so.
    ['big-flag-', 'big-flag-'],
    ['Big-Flag-', 'big-flag-'],
    ['Big flag!', 'big-flag'],
    ['"multi"', 'multi'],
    ['(beta) New checkout?', 'beta-new-checkout'],
    ['  spaced   out  ', 'spaced-out'],
    ['team/search.v2_', 'team-search.v2_'],
    ['Überweisung', 'berweisung'],
    [`${'x'.repeat(99)} tail`, 'x'.repeat(99)],
    ['x'.repeat(120), 'x'.repeat(100)],
    ['!?', null],
    ['---', null],
    ['日本', null],
    ['', null],
  ])('%j is known by %j', (name, key) => {
    expect(toKey(name)).toBe(key);
  });

  it('two that would have one key are told, and the second has none', () => {
    const notes: NotCarriedOver[] = [];
    const keys = new Keys('feature', notes);
    expect([keys.give('big-flag', 'a'), keys.give('big-flag-', 'b'), keys.give('Big flag!', 'c')]).toEqual([
      'big-flag',
      'big-flag-',
      null,
    ]);
    expect(notes).toEqual([
      {
        path: 'c',
        what: 'the feature "Big flag!"',
        why: 'Another feature has the key "big-flag" already: rename one of them there',
      },
    ]);
  });
});
