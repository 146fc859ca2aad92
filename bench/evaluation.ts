import {
  type CompiledEnvironment,
  compileFeature,
  compileSegments,
  evaluate,
  evaluateAll,
  link,
  NO_OVERRIDES,
  type Subject,
} from '../src/features/evaluator/index.js';
import { hashAfter, hashState } from '../src/features/evaluator/murmur3.js';
import type { Figure } from './figure.js';

const FEATURES = 203;
const SUBJECTS = 1000;
const ROUNDS = 7;
const PER_ROUND = 1_000_000;

/**
 * One flag with a constraint and a roll-out, in process on one thread, against the bare hash of the same text; and 203 of
 * them for one subject, as a bulk evaluation asks for them.
 */
export function evaluationBench(): Figure[] {
  const environment = filled();
  const key = environment.keys[0]!;
  const subjects = Array.from({ length: SUBJECTS }, (_, index) => subject(index));
  const state = hashState(`${key}:`);
  const best = { evaluated: 0, hashed: 0, bulk: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    best.evaluated = Math.max(
      best.evaluated,
      rate(PER_ROUND, (index) => (evaluate(environment, key, subjects[index % SUBJECTS]!)!.value === true ? 1 : 0)),
    );
    best.hashed = Math.max(
      best.hashed,
      rate(PER_ROUND, (index) => hashAfter(state, subjects[index % SUBJECTS]!.targetingKey!) & 1),
    );
    best.bulk = Math.max(
      best.bulk,
      rate(PER_ROUND / FEATURES, (index) => evaluateAll(environment, subjects[index % SUBJECTS]!).length & 1),
    );
  }
  return [
    {
      name: 'evaluations of one flag with a constraint and a roll-out',
      figure: best.evaluated,
      limit: 2_000_000,
      unit: 'per s',
      atLeast: 1,
    },
    {
      name: 'evaluations of that flag : bare murmur3 of its text',
      figure: best.evaluated,
      limit: best.hashed,
      unit: 'per s',
    },
    {
      name: `evaluations of it among ${FEATURES} such flags at once`,
      figure: best.bulk * FEATURES,
      limit: 2_000_000,
      unit: 'per s',
      atLeast: 1,
    },
  ];
}

function filled(): CompiledEnvironment {
  const segments = compileSegments([], 'production');
  return link(
    Array.from({ length: FEATURES }, (_, index) =>
      compileFeature(
        {
          key: `feature-${String(index).padStart(3, '0')}`,
          type: 'boolean',
          defaultValue: false,
          variants: null,
          dependencies: [],
          conflicts: [],
          plans: {},
          lifecycle: 'active',
        },
        {
          enabled: true,
          rules: [
            {
              name: 'half of some countries',
              when: [{ attribute: 'country', operator: 'in', values: ['de', 'at', 'ch'] }],
              rollout: { percentage: 50 },
            },
          ],
        },
        segments,
        'production',
      ),
    ),
  );
}

function subject(index: number): Subject {
  return {
    targetingKey: `018f6b1e-7c9a-7000-8000-${String(index).padStart(12, '0')}`,
    attributes: { country: ['de', 'at', 'ch', 'fr'][index % 4], version: '2.1.0', seats: index },
    organization: { id: '018f6b1e-7c9a-7000-8000-0000000000aa', plan: 'pro', overrides: NO_OVERRIDES },
    now: Date.now(),
  };
}

/** Runs per second. What each returns is added up, so that nothing is left out for being useless. */
function rate(times: number, run: (index: number) => number): number {
  let sum = 0;
  const begun = process.hrtime.bigint();
  for (let index = 0; index < times; index++) sum += run(index);
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  if (sum < 0) throw new Error('a run has counted backwards');
  return times / seconds;
}
