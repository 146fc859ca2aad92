import { describe, expect, it } from 'vitest';
import { bars, lines } from './charts.js';

const described = { id: 'c', title: 'Removed by day', description: '12 rows in 3 days' };
const HOSTILE = '</title><script>alert(1)</script>" onload="x';

describe('C6 bars', () => {
  it('are as high as their values, on an axis that ends at a round number', () => {
    const svg = bars({ ...described, labels: ['Mon', 'Tue', 'Wed'], values: [0, 1_500, 2_000] });
    expect([...svg.matchAll(/<rect [^>]* height="([\d.]+)"/g)].map(([, height]) => Number(height))).toEqual([
      0, 99, 132,
    ]);
    expect(svg).toContain('>2,000</text>');
    expect(svg).toContain('<title>Tue: 1,500</title>');
  });

  it('of nothing, and of none, are a chart all the same', () => {
    for (const values of [[], [0, 0]]) {
      const svg = bars({ ...described, labels: values.map(String), values });
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(svg).toContain('>1</text>');
    }
  });

  it('name few of many labels', () => {
    const values = Array.from({ length: 31 }, (_, n) => n);
    const svg = bars({ ...described, labels: values.map((n) => `day ${n}`), values });
    expect(svg.match(/<text [^>]*>day \d+</g)).toHaveLength(8);
    expect(svg.match(/<rect /g)).toHaveLength(31);
  });
});

describe('C6 lines', () => {
  it('end where nothing is known, and a value alone is a dot', () => {
    const series = [{ name: 'session', values: [1, 2, null, 4, null] }];
    const svg = lines({ ...described, labels: ['a', 'b', 'c', 'd', 'e'], series });
    expect(svg.match(/<polyline /g)).toHaveLength(1);
    expect(svg.match(/<circle /g)).toHaveLength(1);
  });

  it('of five series differ in colour and dashes', () => {
    const series = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, values: [1, 2] }));
    const strokes = [...lines({ ...described, labels: ['x', 'y'], series }).matchAll(/<polyline [^>]*(stroke=.*)\/>/g)];
    expect(new Set(strokes.map(([, stroke]) => stroke)).size).toBe(5);
  });
});

it('case 11: charts say what they are to those who do not see them, and no text of theirs is markup', () => {
  const hostile = { id: 'c', title: HOSTILE, description: HOSTILE };
  for (const svg of [
    bars({ ...hostile, labels: [HOSTILE], values: [1] }),
    lines({ ...hostile, labels: [HOSTILE], series: [{ name: HOSTILE, values: [1] }] }),
  ]) {
    expect(svg).toMatch(/^<svg role="img" aria-labelledby="c-title c-description"/);
    expect(svg).toMatch(/<title id="c-title">[^<]+<\/title><desc id="c-description">[^<]+<\/desc>/);
    expect(svg).not.toContain('<script');
    expect(svg.replaceAll(/<[^>]*>/g, '')).not.toMatch(/<|>/);
    expect(svg).not.toMatch(/<[^>]* on[a-z]+=/);
  }
});
