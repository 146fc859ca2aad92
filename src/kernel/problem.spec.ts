import { describe, expect, it } from 'vitest';
import { invalidField, problem } from './problem.js';

describe('a problem', () => {
  const faults = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ field: `f${n}`, code: 'missing', message: `f${n} is missing` }));

  it('says in its detail what is wrong with its fields, for who shows no more than that', () => {
    expect(invalidField('at', 'no_time', 'at has to be a time').detail).toBe('at has to be a time');
    expect(problem('validation_failed', { errors: faults(5) }).detail).toBe(
      'f0 is missing; f1 is missing; f2 is missing; and 2 more',
    );
    expect(problem('validation_failed', { errors: faults(3) }).message).toBe(
      'f0 is missing; f1 is missing; f2 is missing',
    );
  });

  it('says otherwise what it was told, or its title', () => {
    expect(problem('conflict', { detail: 'Taken', errors: faults(1) }).detail).toBe('Taken');
    expect(problem('conflict').detail).toBe(problem('conflict').title);
    expect(problem('validation_failed', { errors: [] }).detail).toBe(problem('validation_failed').title);
  });
});
