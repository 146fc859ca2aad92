import { describe, expect, it } from 'vitest';
import { bars, lines } from './charts.js';

const described = { id: 'c', title: 'Removed by day', description: '12 rows in 3 days' };
const HOSTILE = '</title><script>alert(1)</script>" onload="x';

describe('C6 bars', () => {
  it('are as high as their values, on an axis that ends at a round number', () => {
    const svg = bars({
      ...described,
      labels: ['Mon', 'Tue', 'Wed'],
      series: [{ name: 'Rows', values: [0, 1_500, 2_000] }],
    });
    expect([...svg.matchAll(/<rect [^>]* height="([\d.]+)"/g)].map(([, height]) => Number(height))).toEqual([99, 132]);
    expect(svg).toContain('>2,000</text>');
    expect(svg).toContain('<title>Tue: 1,500</title>');
  });

  it('of many rows have numbers at their axis that find room', () => {
    const svg = bars({ ...described, labels: ['Mon'], series: [{ name: 'Rows', values: [15_000_000] }] });
    expect(svg).toContain('>20M</text>');
    expect(svg).toContain('<title>Mon: 15,000,000</title>');
  });

  it('of nothing, and of none, are a chart all the same', () => {
    for (const values of [[], [0, 0]]) {
      const svg = bars({ ...described, labels: values.map(String), series: [{ name: 'Rows', values }] });
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(svg).toContain('>1</text>');
    }
  });

  it('name few of many labels', () => {
    const values = Array.from({ length: 31 }, (_, n) => n + 1);
    const svg = bars({ ...described, labels: values.map((n) => `day ${n}`), series: [{ name: 'Rows', values }] });
    expect(svg.match(/<text [^>]*>day \d+</g)).toHaveLength(8);
    expect(svg.match(/<rect /g)).toHaveLength(31);
  });
});

describe('C11 bars of several series', () => {
  it('stand on each other, on an axis for all of them, and are told apart by a legend', () => {
    const series = [
      { name: 'session', values: [10, 0] },
      { name: 'invitation', values: [10, 5] },
    ];
    const svg = bars({ ...described, labels: ['Mon', 'Tue'], series });
    expect(
      [...svg.matchAll(/<rect [^>]* y="([\d.]+)" width="136.8" height="([\d.]+)"/g)].map(([, ...at]) => at),
    ).toEqual([
      ['92', '66'],
      ['26', '66'],
      ['125', '33'],
    ]);
    expect(svg).toContain('>20</text>');
    expect(svg).toContain('<title>Mon: invitation 10</title>');
    expect(svg).toMatch(/>session<\/text>[^]*>invitation<\/text>/);
  });
});

describe('C6 lines', () => {
  it('end where nothing is known, and a value alone is a dot', () => {
    const series = [{ name: 'session', values: [1, 2, null, 4, null] }];
    const svg = lines({ ...described, labels: ['a', 'b', 'c', 'd', 'e'], series });
    expect(svg.match(/<polyline /g)).toHaveLength(1);
    expect(svg.match(/<circle /g)).toHaveLength(1);
  });

  it('of six series differ in colour and dashes', () => {
    const series = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({ name, values: [1, 2] }));
    const strokes = [...lines({ ...described, labels: ['x', 'y'], series }).matchAll(/<polyline [^>]*(stroke=.*)\/>/g)];
    expect(new Set(strokes.map(([, stroke]) => stroke)).size).toBe(6);
  });
});

it('case 11: charts say what they are to those who do not see them, and no text of theirs is markup', () => {
  const hostile = { id: 'c', title: HOSTILE, description: HOSTILE };
  for (const svg of [
    bars({ ...hostile, labels: [HOSTILE], series: [HOSTILE, HOSTILE].map((name) => ({ name, values: [1] })) }),
    lines({ ...hostile, labels: [HOSTILE], series: [{ name: HOSTILE, values: [1] }] }),
  ]) {
    expect(svg).toMatch(/^<svg role="img" aria-labelledby="c-title c-description"/);
    expect(svg).toMatch(/<title id="c-title">[^<]+<\/title><desc id="c-description">[^<]+<\/desc>/);
    expect(svg).not.toContain('<script');
    expect(svg.replaceAll(/<[^>]*>/g, '')).not.toMatch(/<|>/);
    expect(svg).not.toMatch(/<[^>]* on[a-z]+=/);
  }
});
