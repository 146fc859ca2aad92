import { hash } from 'node:crypto';
import { VERSION } from '../../kernel/version.js';
import type { EvaluationContext } from '../evaluation/context.js';
import type { EvaluationScope } from '../evaluation/evaluation.service.js';
import type { Overrides } from '../evaluator/index.js';
import { canonical } from '../canonical.js';

/**
 * Names the state that decisions come from, on every instance the same: another configuration, plan or override makes
 * another one, and so do the instants at which an override ends or a condition on time changes its mind.
 */
export function stateOf({ environmentKey, environment, organization, revision, now }: EvaluationScope): string {
  const { id, plan, overrides } = organization;
  const passed = passedOf(environment.timeThresholds, now);
  // The program is part of the state: another version may decide otherwise.
  return `${VERSION} ${revision} ${environmentKey} ${passed} ${id} ${plan} ${standing(overrides, now)}`;
}

/** A state in 22 characters, for addresses and events. */
export function stateId(state: string): string {
  return hash('sha256', state, 'base64url').slice(0, 22);
}

/** The entity tag of an answer (RFC 9110, 8.8.3), without evaluating anything. `stream`: what else is in the answer. */
export function entityTag(state: string, stream: string, context: EvaluationContext): string {
  return `"${hash('sha256', `${state}\n${stream}\n${canonical(context)}`, 'base64url')}"`;
}

/** Whether an If-None-Match names a tag: one of a list, in its weak form too, or any by `*` (RFC 9110, 13.1.2). */
export function matches(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === tag || ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.match(/"[^"]*"/g)?.includes(tag) ?? false;
}

/** The next instant after `now` at which the state changes by itself; Infinity: never. */
export function nextChange({ environment, organization, now }: EvaluationScope): number {
  return Math.min(
    ...[environment.timeThresholds, organization.overrides.expiries].map(
      (instants) => instants[passedOf(instants, now)] ?? Infinity,
    ),
  );
}

/** How many of some ascending instants are not after `now`. */
function passedOf(instants: readonly number[], now: number): number {
  let [low, high] = [0, instants.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (instants[middle]! <= now) low = middle + 1;
    else high = middle;
  }
  return low;
}

const known = new WeakMap<Overrides, { passed: number; text: string }>();

/**
 * The overrides that have not ended, as a text. Not how many have: an instance that reads them later never sees those, and has to
 * come to the same text.
 */
export function standing(overrides: Overrides, now: number): string {
  if (overrides.byFeature.size === 0) return '';
  const passed = passedOf(overrides.expiries, now);
  let found = known.get(overrides);
  if (found?.passed !== passed) known.set(overrides, (found = { passed, text: describe(overrides, now) }));
  return found.text;
}

function describe({ byFeature }: Overrides, now: number): string {
  const lines = [...byFeature].flatMap(([feature, list]) =>
    list
      .filter(({ expiresAt }) => expiresAt > now)
      .map(({ environment, expiresAt, decision }) => canonical([feature, environment, expiresAt, decision.value])),
  );
  return lines.length === 0 ? '' : hash('sha256', lines.sort().join('\n'), 'base64url');
}
