import { describe, expect, it } from 'vitest';
import type { Decision } from '../evaluator/index.js';
import { type DecidedAnswer, MOST_DECISIONS, UsageCounts } from './usage-counts.js';

const FEATURES = 1_000;
const keys = Array.from({ length: FEATURES }, (_, at) => `feature-${at}`);
const decisions = keys.map(() => ({}) as Decision);
const answer = (organizationId: string): DecidedAnswer => ({
  organizationId,
  environmentKey: 'production',
  keys,
  decisions,
  user: 'grace',
  again: 0,
});

describe('UsageCounts', () => {
  it('keeps so many decisions and no more, counts on what it has, and says how much it missed', () => {
    const counts = new UsageCounts();
    const fit = MOST_DECISIONS / FEATURES;
    for (let organization = 0; organization < fit + 5; organization += 1) counts.all(answer(`org-${organization}`));
    counts.one('org-0', 'production', keys[0]!, decisions[0]!, null);
    counts.one('org-0', 'production', 'another', {} as Decision, null);
    counts.one('stranger', 'production', keys[0]!, decisions[0]!, 'ada');
    expect(counts.size).toBe(MOST_DECISIONS);
    expect(counts.takeMissed()).toBe(5 * FEATURES + 2);
    expect(counts.takeMissed()).toBe(0);
    const taken = counts.take();
    expect(taken).toHaveLength(fit);
    expect(taken[0]!.decisions.get(decisions[0]!)!.evaluations).toBe(2);
    expect(counts.size).toBe(0);
  });

  it('has room again once it was taken away, and puts back what could not be written', () => {
    const counts = new UsageCounts();
    counts.all(answer('one'));
    const taken = counts.take();
    counts.all(answer('one'));
    counts.putBack(taken);
    expect(counts.size).toBe(FEATURES);
    expect(counts.take()[0]!.decisions.get(decisions[0]!)!.evaluations).toBe(2);
    expect(counts.takeMissed()).toBe(0);
  });
});
