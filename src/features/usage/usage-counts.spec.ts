import { describe, expect, it } from 'vitest';
import type { Decision } from '../evaluator/index.js';
import { type DecidedAnswer, type EnvironmentTally, MOST_COUNTS, UsageCounts } from './usage-counts.js';

const FEATURES = 10;
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
  it('an answer with all features is one count more for another organization, however many are in it', () => {
    const counts = new UsageCounts();
    for (let organization = 0; organization < 50; organization += 1) counts.all(answer(`org-${organization}`));
    expect(counts.size).toBe(FEATURES + 50);
    const [{ totals, organizations }] = counts.take() as [EnvironmentTally];
    expect([...totals][0]).toMatchObject({ feature: keys[0], decision: decisions[0], evaluations: 50 });
    expect(organizations.get('org-7')!.all!.evaluations).toBe(1);
    expect(organizations.get('org-7')!.decisions.size).toBe(0);
  });

  it('keeps so many counts and no more, counts on what it has, and says how much it missed', () => {
    const counts = new UsageCounts();
    const fit = MOST_COUNTS - FEATURES;
    for (let organization = 0; organization < fit + 5; organization += 1) counts.all(answer(`org-${organization}`));
    counts.one('org-0', 'production', 'another', {} as Decision, null);
    counts.one('stranger', 'production', keys[0]!, decisions[0]!, 'ada');
    expect(counts.size).toBe(MOST_COUNTS);
    expect(counts.takeMissed()).toBe(5 * FEATURES + 2);
    expect(counts.takeMissed()).toBe(0);
    const [taken] = counts.take() as [EnvironmentTally];
    expect(taken.organizations.size).toBe(fit);
    expect([...taken.totals].map(({ evaluations }) => evaluations)).toEqual(keys.map(() => fit));
    expect(counts.size).toBe(0);
  });

  it('has room again once it was taken away, and puts back what could not be written', () => {
    const counts = new UsageCounts();
    const count = (): void => {
      counts.all(answer('one'));
      counts.one('one', 'production', keys[0]!, decisions[0]!, 'ada');
    };
    count();
    const taken = counts.take();
    count();
    counts.putBack(taken);
    expect(counts.size).toBe(FEATURES + 2);
    const [{ totals, organizations }] = counts.take() as [EnvironmentTally];
    expect([...totals].map(({ evaluations }) => evaluations)).toEqual(keys.map((_, at) => (at === 0 ? 4 : 2)));
    expect(organizations.get('one')!.all!.evaluations).toBe(2);
    expect(organizations.get('one')!.decisions.get(decisions[0]!)!.evaluations).toBe(2);
    expect(counts.takeMissed()).toBe(0);
  });
});
