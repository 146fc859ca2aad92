import type { Json, Reason } from './model.js';

export type Details = Readonly<Record<string, Json>>;

/**
 * What a feature is for somebody, and why. Wherever an outcome is known at compile time it is one constant object of its
 * feature in its environment, so that whoever serialises it may keep the text on it: `ofrep` is theirs.
 */
export class Decision {
  /** A place for the serialised form; the evaluator never reads it. */
  ofrep: string | null = null;

  constructor(
    readonly value: Json,
    readonly variant: string | null,
    readonly reason: Reason,
    readonly details: Details,
  ) {}
}

const NOTHING: Details = Object.freeze({});

/** @param value has to be frozen already: one constant is answered to everybody. */
export function decide(
  value: Json,
  reason: Reason,
  details: Details = NOTHING,
  variant: string | null = null,
): Decision {
  return new Decision(value, variant, reason, deepFreeze(details));
}

/** A frozen copy, so that neither a caller nor an entity can change what was compiled. */
export function frozen(value: Json): Json {
  return typeof value === 'object' && value !== null ? deepFreeze(structuredClone(value)) : value;
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part as object);
  return Object.freeze(value);
}

/** Decisions that follow from another one, each made once so that they are constants too, and forgotten with it. */
export function derived(make: (from: Decision) => Decision): (from: Decision) => Decision {
  let made: WeakMap<Decision, Decision> | undefined;
  return (from) => {
    made ??= new WeakMap();
    let decision = made.get(from);
    if (decision === undefined) made.set(from, (decision = make(from)));
    return decision;
  };
}
