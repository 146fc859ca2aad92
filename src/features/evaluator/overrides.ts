import { decide, type Decision, frozen } from './decision.js';
import type { Override } from './model.js';

interface CompiledOverride {
  environment: string | null;
  expiresAt: number;
  decision: Decision;
}

/** An organization's overrides in every environment, compiled once. */
export interface Overrides {
  readonly byFeature: ReadonlyMap<string, readonly CompiledOverride[]>;
  /** When one of them ends, ascending: between two of these instants nothing changes by itself. */
  readonly expiries: readonly number[];
}

export const NO_OVERRIDES: Overrides = { byFeature: new Map(), expiries: [] };

/** One that names an environment stands before one for everywhere; of two equals the first counts. */
export function compileOverrides(overrides: readonly Override[]): Overrides {
  const byFeature = new Map<string, CompiledOverride[]>();
  for (const { feature, value, environment, expiresAt, reason } of overrides) {
    const details = { scope: environment ?? 'everywhere', expiresAt: expiresAt?.toISOString() ?? null, note: reason };
    const compiled = {
      environment,
      expiresAt: expiresAt?.getTime() ?? Infinity,
      decision: decide(frozen(value), 'override', details),
    };
    const list = byFeature.get(feature);
    if (list === undefined) byFeature.set(feature, [compiled]);
    else list.push(compiled);
  }
  for (const list of byFeature.values())
    list.sort((a, b) => Number(a.environment === null) - Number(b.environment === null));
  const expiries = [...byFeature.values()].flat().map(({ expiresAt }) => expiresAt);
  return { byFeature, expiries: [...new Set(expiries)].filter(Number.isFinite).sort((a, b) => a - b) };
}

/** The override that counts for a feature in an environment at an instant. */
export function overrideFor(
  overrides: Overrides,
  feature: string,
  environment: string,
  now: number,
): Decision | undefined {
  if (overrides.byFeature.size === 0) return undefined;
  const list = overrides.byFeature.get(feature);
  if (list === undefined) return undefined;
  for (const override of list) {
    if (override.expiresAt > now && (override.environment === null || override.environment === environment)) {
      return override.decision;
    }
  }
  return undefined;
}
