import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { IsDisplayName } from './display-name.js';

class Named {
  @IsDisplayName()
  name!: string;
}
const fits = (name: unknown): boolean => validateSync(plainToInstance(Named, { name })).length === 0;

describe('names of people and organizations', () => {
  it.each(['Ada', 'Zoë O’Neill', '山田太郎', 'می‌خواهم', '👩‍💻', '7', '—', 'a'.repeat(120), '<b>'])('%j is one', (name) =>
    expect(fits(name)).toBe(true),
  );

  it.each([
    ['nothing', ['', '   ', '\u00a0\u3000']],
    [
      'what nobody sees',
      ['\u200b', '\u200e\u200f', '\u2800 \u2800', '\u3164', '\u115f\u1160', '\ufeff', '\u00ad', '\ufe0f'],
    ],
    ['lines, controls, overrides of direction', ['a\nb', 'a\u2028b', 'a\u0007', 'a\u202eb', 'a\u2066b', 'a\ud800']],
    ['what is too long, or no text', ['a'.repeat(121), 1, null, ['a'], {}]],
  ])('%s is none', (_, names) => expect(names.filter(fits)).toEqual([]));
});
