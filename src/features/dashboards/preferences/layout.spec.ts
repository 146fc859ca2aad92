import { describe, expect, it } from 'vitest';
import { flow, layoutFaults } from './layout.js';

const place = (id: string, x: number, y: number, w: number, h: number) => ({ id, x, y, w, h });
const codes = (...places: ReturnType<typeof place>[]): string[] => layoutFaults(places).map(({ code }) => code);

describe('F10 a layout', () => {
  it('has room for what lies side by side and below each other, to the last column', () => {
    expect(codes(place('a', 0, 0, 6, 2), place('b', 6, 0, 6, 2), place('c', 0, 2, 12, 1))).toEqual([]);
  });

  it('names the two that overlap, also where one lies within the other or they cross', () => {
    expect(layoutFaults([place('a', 0, 0, 6, 2), place('b', 5, 1, 6, 2)])).toEqual([
      { field: 'layout.1', code: 'widgets_overlap', message: '"b" overlaps "a"' },
    ]);
    expect(codes(place('a', 0, 0, 12, 9), place('b', 4, 4, 1, 1))).toEqual(['widgets_overlap']);
    expect(codes(place('a', 4, 0, 1, 9), place('b', 0, 4, 9, 1))).toEqual(['widgets_overlap']);
  });

  it('ends at the last column', () => {
    expect(codes(place('a', 7, 0, 6, 1))).toEqual(['out_of_bounds']);
  });

  it('has each id once', () => {
    expect(codes(place('a', 0, 0, 1, 1), place('a', 1, 0, 1, 1))).toEqual(['id_taken']);
  });

  it('by default has no faults, whatever the sizes are', () => {
    const sizes = [12, 1, 7, 5, 6, 6, 3, 10, 2, 4, 4, 4];
    const layout = flow(sizes.map((w, at) => ({ key: `w-${at}`, defaultSize: { w, h: 1 + (at % 3) } })));
    expect(layoutFaults(layout)).toEqual([]);
    expect(layout.map(({ x, y }) => [x, y]).slice(0, 4)).toEqual([
      [0, 0],
      [0, 1],
      [1, 1],
      [0, 4],
    ]);
  });
});
