import { describe, expect, it } from 'vitest';
import { differencesOf } from './differences.js';

const texts = (...[before, after]: Parameters<typeof differencesOf>): string[] =>
  differencesOf(before, after).map(({ text }) => text);

describe('differencesOf', () => {
  it('finds none between equal states, whatever the order of their keys', () => {
    expect(differencesOf({ a: 1, b: [{ name: 'x' }] }, { b: [{ name: 'x' }], a: 1 })).toEqual([]);
    expect(differencesOf(null, null)).toEqual([]);
  });

  it('names the one value that changed, with its path', () => {
    const rule = (percentage: number) => ({ name: 'Beta', rollout: { by: 'targetingKey', percentage } });
    expect(differencesOf({ enabled: true, rules: [rule(10)] }, { enabled: false, rules: [rule(50)] })).toEqual([
      { path: 'enabled', before: true, after: false, text: 'enabled: true → false' },
      {
        path: 'rules[Beta].rollout.percentage',
        before: 10,
        after: 50,
        text: 'rules[Beta].rollout.percentage: 10 → 50',
      },
    ]);
  });

  it('knows elements by their names: one put in front changes no other one', () => {
    const [a, b] = [
      { name: 'a', value: 1 },
      { name: 'b', value: 2 },
    ];
    expect(texts({ rules: [b] }, { rules: [a, b] })).toEqual(['rules[a]: set to {"name":"a","value":1}']);
    expect(texts({ rules: [a, b] }, { rules: [a] })).toEqual(['rules[b]: removed, was {"name":"b","value":2}']);
    expect(texts({ rules: [a, b] }, { rules: [b, a] })).toEqual(['rules: order a, b → b, a']);
  });

  it('shows lists without names as a whole', () => {
    expect(texts({ tags: ['a'] }, { tags: ['a', 'b'] })).toEqual(['tags: ["a"] → ["a","b"]']);
    const twins = [{ name: 'a' }, { name: 'a' }];
    expect(texts({ rules: twins }, { rules: [] })).toEqual(['rules: [{"name":"a"},{"name":"a"}] → []']);
  });

  it('says that something was added or removed as a whole', () => {
    expect(texts(null, { enabled: true })).toEqual(['was added']);
    expect(texts({ enabled: true }, null)).toEqual(['was removed']);
  });

  it('reads only own properties, and cuts what is long', () => {
    expect(texts({}, { constructor: 1 })).toEqual(['constructor: set to 1']);
    const [one] = differencesOf({ a: 'x' }, { a: 'y'.repeat(1_000) });
    expect(one!.text.length).toBeLessThan(250);
  });
});
